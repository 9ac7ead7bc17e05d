import type { Random, RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import { type Flag, type Guarded, giveUp, internalError } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import type { AccessLog, PeerRequests } from '../../telemetry/index.ts';
import type { Clock, TimerWheel } from '../../time/index.ts';
import { enterEvent, leaveEvent } from '../../wire/index.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import type { Caller, RequestFilter } from '../filters/filter.interface.ts';
import type { Observers } from '../observation/observers.ts';
import type { FailedCalls } from '../services/failed-calls.ts';
import type { RequestTagger } from '../services/request-tagger.ts';
import type { Trust } from '../services/trust.ts';

/** Learns of a destination that was not known at once. */
export interface TargetWaiter extends Guarded {
  /** `undefined`: the request cannot be sent anywhere, and `detail` says why. */
  onTarget(target: RunningDestination | undefined, flag: Flag, detail: string): void;
}

/** Tells a waiter from a callback that is not the waiter's own: what it throws closes what it stands for, and nothing else. */
export function tellTarget(
  waiter: TargetWaiter,
  target: RunningDestination | undefined,
  flag: Flag,
  detail: string,
): void {
  enterEvent();
  try {
    waiter.onTarget(target, flag, detail);
  } catch (thrown) {
    internalError('target', thrown);
    giveUp('target', waiter);
  }
  leaveEvent();
}

/** What a listener says of the connections that it accepts, whatever takes them on. */
export interface ListenerTerms {
  /** Whose word counts on them: nothing else decides that. */
  readonly trust: Trust;
  /** What their requests must come through, before what the port and the route say. */
  readonly filters: readonly RequestFilter[];
}

/** What one downstream connection says about its exchanges: where they go, who sent them, how they are counted. */
export interface ExchangeHost extends Caller {
  /** For logs and metrics. */
  readonly direction: 'inbound' | 'outbound';
  /** Of the listener that it came in by. */
  readonly terms: ListenerTerms;
  /** Where the request goes; undefined when that must be found out first: then the waiter is called. */
  target(head: Head, waiter: TargetWaiter): RunningDestination | undefined;
  /** Edits that every request of this connection gets: added and removed header lines. `cluster`: where it goes. */
  prepare(head: Head, cluster: RunningCluster): void;
  /**
   * The series that an exchange counts in. `endpoint` and `cluster` are undefined when none was found or chosen, `target` when
   * nobody knew where the request goes.
   */
  metrics(
    endpoint: RunningEndpoint | undefined,
    cluster: RunningCluster | undefined,
    target: RunningDestination | undefined,
  ): PeerRequests;
}

/** What exchanges share with the process. */
export interface ExchangeServices {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly accessLog: AccessLog;
  readonly random: Random;
  /** This pod's own. */
  readonly address: string;
  /** Exchanges under way. */
  active: number;
  /** Those of them that have become tunnels. */
  tunnels: number;
  /** Who watches. */
  readonly observers: Observers;
  /** Says what tags of metrics come to; undefined where no Telemetry object sets any by request. */
  tagger: RequestTagger | undefined;
  /** Outbound requests that failed. */
  readonly failedCalls: FailedCalls;
  /** Memory is so short that new requests are refused. */
  refusing: boolean;
}
