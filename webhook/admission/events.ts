// Events: why a pod was left out of the mesh, written where its author looks, on the workload. Rate-limited and deduplicated
// here, because a controller tries a refused pod again and again. In: events. Out: fewer events, to a sink.
import { errorMessage } from '../../src/errors/index.ts';
import type { Clock } from '../../src/time/index.ts';
import { answerMessage, type KubeApi } from './kube-api.ts';
import type { OwnerRef, WebhookLog } from './options.ts';

/** What is told about one workload or pod. */
export interface MeshEvent {
  readonly namespace: string;
  readonly about: OwnerRef;
  readonly type: 'Normal' | 'Warning';
  /** UpperCamelCase, stable: people select events by it. */
  readonly reason: string;
  readonly message: string;
}

/** Where events go; a rejection is logged and the event is lost. */
export type EventSink = (event: MeshEvent) => void | Promise<void>;

/** Limits and dependencies of an EventReporter. */
export interface EventReporterOptions {
  readonly sink: EventSink;
  readonly clock: Clock;
  readonly log: WebhookLog;
  /** Told of each event: `sent`, `repeated`, `limited`, `failed`. */
  readonly observe?: (outcome: string) => void;
  /** The same about the same is told again after this long; 10 minutes unless told. */
  readonly quietMs?: number;
  readonly perSecond?: number;
  readonly burst?: number;
}

/** More different events than this within `quietMs` and the oldest may be told again too early. */
const maxRemembered = 4096;

/** Passes events on, each at most once per `quietMs` and all of them at `perSecond` (5) after a burst (25). */
export class EventReporter {
  readonly #options: EventReporterOptions;
  readonly #toldAtMs = new Map<string, number>();
  #tokens: number;
  #refilledAtMs: number;
  #complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: EventReporterOptions) {
    this.#options = options;
    this.#tokens = options.burst ?? 25;
    this.#refilledAtMs = options.clock.monotonic();
  }

  /** Never throws and never waits. */
  report(event: MeshEvent): void {
    const outcome = this.#judge(event);
    if (outcome !== 'sent') {
      this.#options.observe?.(outcome);
      return;
    }
    void this.#send(event);
  }

  #judge(event: MeshEvent): 'sent' | 'repeated' | 'limited' {
    const nowMs = this.#options.clock.monotonic();
    const { kind, name, uid } = event.about;
    const key = `${event.namespace}/${kind}/${uid ?? name}/${event.reason}/${event.message}`;
    const toldAtMs = this.#toldAtMs.get(key);
    if (toldAtMs !== undefined && nowMs - toldAtMs < (this.#options.quietMs ?? 600_000)) return 'repeated';
    if (!this.#take(nowMs)) return 'limited';
    // Deleted first, so that the map stays in the order of telling.
    this.#toldAtMs.delete(key);
    this.#toldAtMs.set(key, nowMs);
    if (this.#toldAtMs.size > maxRemembered) this.#toldAtMs.delete(this.#toldAtMs.keys().next().value!);
    return 'sent';
  }

  #take(nowMs: number): boolean {
    const { perSecond = 5, burst = 25 } = this.#options;
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#refilledAtMs) / 1000) * perSecond);
    this.#refilledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  async #send(event: MeshEvent): Promise<void> {
    const { sink, clock, log, observe } = this.#options;
    try {
      await sink(event);
      observe?.('sent');
    } catch (thrown) {
      observe?.('failed');
      if (clock.monotonic() - this.#complainedAtMs < 60_000) return;
      this.#complainedAtMs = clock.monotonic();
      const { namespace, about, reason } = event;
      log.warn(
        { namespace, about: `${about.kind}/${about.name}`, reason, error: errorMessage(thrown) },
        'an event could not be written; may weft-injector create events? weft check tells',
      );
    }
  }
}

/** Writes events through the API, as `instance` (the pod's name) of weft-injector. */
export function apiEventSink(api: KubeApi, clock: Clock, instance: string): EventSink {
  return async event => {
    const nowText = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const { namespace, about, type, reason } = event;
    const answer = await api.request({
      method: 'POST',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`,
      timeoutMs: 5_000,
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: `${about.name.slice(0, 200).replace(/[^a-z0-9]+$/, '')}.weft-`, namespace },
        involvedObject: { ...about, namespace },
        type,
        reason,
        // The server refuses more than 1024 characters.
        message: event.message.length > 1024 ? `${event.message.slice(0, 1021)}...` : event.message,
        source: { component: 'weft-injector' },
        reportingComponent: 'weft.dev/injector',
        reportingInstance: instance,
        firstTimestamp: nowText,
        lastTimestamp: nowText,
        count: 1,
      },
    });
    if (answer.status >= 300) throw new Error(answerMessage(answer));
  };
}
