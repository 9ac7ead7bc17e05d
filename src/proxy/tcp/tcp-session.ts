import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import { type Flag, giveUp, INTERNAL_ERROR, internalError } from '../../errors/index.ts';
import { NO_SEAT } from '../../sets/index.ts';
import { NO_TAGS, type SeriesTags } from '../../telemetry/index.ts';
import { Deadline } from '../../time/index.ts';
import type { ByteStream, WireHandler } from '../../wire/index.ts';
import { clientKey } from '../services/client-key.ts';
import type { ObservedSession } from '../services/request-tagger.ts';
import type { Services } from '../services/services.ts';
import { streamTo } from '../streams/riding.ts';
import { nobody } from '../streams/stream-bytes.ts';
import type { SessionFailure, SessionOutcome } from '../streams/upstream-stream.ts';
import { FirstBytes } from './first-bytes.ts';
import { isHttp2Greeting } from './http2-greeting.ts';
import type { TcpSessionOptions } from './session-options.ts';
import { accessRecordOf } from './session-record.ts';
import { Tunnel } from './tunnel.ts';

const maxTries = 3;
/** Attempts that fail without saying anything about an endpoint. */
const maxRepeats = 3;
/**
 * A client of whom it is not known yet what it speaks is given this long to say something, and if it is HTTP hears what went
 * wrong.
 */
const patienceMs = 1000;

/**
 * Carries one opaque TCP connection to an endpoint of a cluster. `speculative` sessions connect while it is still open what the
 * client will speak: the first byte of the upstream (a server that speaks first) makes it a tunnel, `cancel` withdraws it. The
 * greeting of HTTP/2 is no such byte: it is kept until the client has spoken.
 */
export class TcpSession implements WireHandler, SessionOutcome {
  /** Its seat among those of one connection between proxies. */
  seat = NO_SEAT;
  readonly #services: Services;
  readonly #options: TcpSessionOptions;
  readonly #cluster: RunningCluster;
  readonly #downstream: ByteStream;
  /** What the client has sent so far, and how much of it the upstream has been given already. */
  #first: Buffer | undefined;
  #lent = 0;
  #speculative: boolean;
  #opening: { cancel(): void } | undefined;
  #upstream: ByteStream | undefined;
  /** What the upstream has said, and nobody heard yet. */
  #greeting: Buffer | undefined;
  #endpoint: RunningEndpoint | undefined;
  readonly #tried: RunningEndpoint[] = [];
  #repeatedHandshake = false;
  #repeats = 0;
  #overtaking = false;
  #tunnel: Tunnel | undefined;
  #over = false;
  #failure: { readonly flag: Flag; readonly detail: string } | undefined;
  readonly #patience = new Deadline(
    () => this.#finish(this.#failure!.flag, this.#failure!.detail, true),
    this,
  );
  readonly #startMs: number;

  constructor(
    services: Services,
    options: TcpSessionOptions,
    cluster: RunningCluster,
    downstream: ByteStream,
    speculative: boolean,
  ) {
    this.#services = services;
    this.#options = options;
    this.#cluster = cluster;
    this.#downstream = downstream;
    this.#speculative = speculative;
    this.#startMs = services.clock.monotonic();
  }

  /** Picks an endpoint and connects. `first`: bytes that the client has sent already. */
  start(first: Buffer | undefined): void {
    this.#first = first;
    if (!this.#speculative) this.#watchDownstream();
    this.#connect();
  }

  /**
   * The client's bytes so far say too little about what it speaks, and may be all that the upstream is waiting for: they go on,
   * and the session stays speculative. A beginning that turns out to be a request's is no request without the rest, which
   * `cancel` keeps back.
   */
  lend(first: Buffer): void {
    if (this.#over || !this.#speculative) return;
    this.#first = first;
    this.#forwardLent();
  }

  /** The client's bytes show that this is a TCP connection indeed. */
  commit(first: Buffer): void {
    this.#cluster.speaksFirst = false;
    if (this.#over) return;
    this.#first = first;
    this.#speculative = false;
    if (this.#failure !== undefined) this.#fail(this.#failure.flag, this.#failure.detail);
    else if (this.#upstream === undefined) this.#watchDownstream();
    else this.#join(this.#greeting);
  }

  /** The client speaks something else: the connection is not wanted. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#services.timers.cancel(this.#patience);
    this.#cluster.speaksFirst = false;
    this.#opening?.cancel();
    this.#leave();
    if (this.#upstream === undefined) return;
    this.#upstream.handler = nobody;
    this.#upstream.destroy();
  }

  /** A policy that has come since takes it away: both sides are cut off. */
  forbid(detail: string): void {
    if (this.#over) return;
    this.#opening?.cancel();
    this.#finish('UAEX', detail, true);
    this.#upstream?.reset();
  }

  /** Bytes of the upstream before it was decided what this is: it speaks first, unless that is HTTP/2's greeting. */
  onData(bytes: Buffer, start: number, end: number): void {
    const said = Buffer.from(bytes.subarray(start, end));
    if (this.#speculative && this.#lent === 0) {
      if (isHttp2Greeting(said)) {
        this.#greeting = said;
        // The rest waits where it is.
        this.#upstream?.pause();
        return;
      }
      this.#cluster.speaksFirst = true;
    }
    this.#decide();
    this.#join(said);
  }

  onEnd(): void {
    this.#decide();
    this.#join(this.#greeting);
  }

  onDrain(): void {}

  onClose(error: string): void {
    if (this.#tunnel === undefined) this.#fail('UR', `the upstream closed the connection: ${error}`);
  }

  #decide(): void {
    this.#overtaking = this.#lent === 0;
    this.#speculative = false;
    this.#first = this.#options.undecided?.();
  }

  #forwardLent(): void {
    const first = this.#first;
    if (this.#upstream === undefined || first === undefined) return;
    this.#upstream.write(first, this.#lent, first.length);
    this.#lent = first.length;
  }

  #connect(): void {
    const nowMs = this.#services.clock.monotonic();
    const { downstream } = this.#options;
    const client = clientKey(downstream, this.#services.address);
    const hash = this.#cluster.hashKey?.ofClient(client) ?? -1;
    const endpoint = this.#cluster.pick(this.#tried, nowMs, hash);
    const { name } = this.#cluster.config;
    if (endpoint === undefined) {
      this.#fail(this.#cluster.emptyFlag, this.#cluster.emptyWords);
      return;
    }
    if (!this.#cluster.occupancy.mayOpen()) {
      this.#cluster.occupancy.overflows++;
      this.#fail('UO', `${this.#cluster.occupancy.connections} connections to ${name} are open`);
      return;
    }
    this.#endpoint = endpoint;
    endpoint.active++;
    this.#cluster.occupancy.connections++;
    // One that may turn out to be requests needs a connection: nobody has found out yet.
    const mayRide = !this.#speculative && this.#options.direction === 'outbound';
    const stream = mayRide ? streamTo(this.#services, this.#cluster, endpoint, this) : undefined;
    this.#opening = stream;
    if (stream === undefined) this.#dial(endpoint);
    else stream.start();
  }

  /** On a connection of its own. */
  #dial(endpoint: RunningEndpoint): void {
    const { settings, service } = this.#cluster.config;
    this.#opening = this.#services.connector.open(
      {
        endpoint: endpoint.config,
        speaks: ['bytes'],
        serverName: service.host,
        timeoutMs: settings.connectTimeoutMs,
        localAddress: this.#options.localAddress,
        ...(this.#options.foreignPort !== undefined && { foreignPort: this.#options.foreignPort }),
        ...(settings.tls && settings.tls.requestsOnly !== true && { tls: settings.tls }),
        ...(settings.tcpKeepalive && { keepalive: settings.tcpKeepalive }),
      },
      wire => this.#safely(() => this.onBytes(wire)),
      (flag, detail, inHandshake) => this.#safely(() => this.#failed(flag, detail, inHandshake)),
    );
  }

  /** An error of Weft's own: both sides are cut off. */
  onFault(): void {
    this.#upstream?.reset(INTERNAL_ERROR);
    this.#finish('LR', INTERNAL_ERROR, true);
    this.#downstream.reset(INTERNAL_ERROR);
  }

  /** In the event of a connection that is being opened, which is not the client's. */
  #safely(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      internalError('tcp-session', thrown);
      giveUp('tcp-session', this);
    }
  }

  /** The endpoint is reached. */
  onBytes(wire: ByteStream): void {
    this.#opening = undefined;
    this.#upstream = wire;
    wire.handler = this;
    if (!this.#speculative) {
      this.#join(undefined);
      return;
    }
    this.#forwardLent();
    wire.resume();
  }

  onAlone(): void {
    this.#dial(this.#endpoint!);
  }

  onFailed(failure: SessionFailure, flag: Flag, detail: string): void {
    this.#opening = undefined;
    if (failure === 'refused') this.#fail(flag, detail);
    else if (failure !== 'unreachable' && ++this.#repeats <= maxRepeats) {
      if (failure === 'missed') this.#cluster.record(this.#endpoint!, 'connect-failure');
      this.#leave();
      this.#connect();
    } else this.#failed(flag, detail, false);
  }

  #failed(flag: Flag, detail: string, inHandshake: boolean): void {
    this.#opening = undefined;
    // An app that speaks first, on a port that takes plaintext too, may have been heard in the middle of the handshake. Its proxy
    // knows better now, and neither the client nor the app has had a byte of the other's.
    if (inHandshake && !this.#repeatedHandshake) {
      this.#repeatedHandshake = true;
      this.#leave();
      this.#connect();
      return;
    }
    this.#cluster.occupancy.connectFailures++;
    this.#cluster.record(this.#endpoint!, 'connect-failure');
    this.#tried.push(this.#endpoint!);
    this.#leave();
    if (this.#tried.length < Math.min(maxTries, this.#cluster.size)) this.#connect();
    else this.#fail(flag, detail);
  }

  #fail(flag: Flag, detail: string): void {
    if (!this.#speculative) {
      this.#finish(flag, detail, true);
      return;
    }
    this.#leave();
    this.#upstream = undefined;
    this.#failure = { flag, detail };
    this.#services.timers.schedule(this.#patience, patienceMs);
  }

  /** Until there is an upstream, the client's bytes wait in the kernel; only its end is of interest. */
  #watchDownstream(): void {
    this.#downstream.pause();
    this.#downstream.handler = {
      onData() {},
      onEnd() {},
      onDrain() {},
      onClose: () => {
        this.#opening?.cancel();
        this.#finish('DC', 'the client went away before the connection was open', false);
      },
    };
  }

  #join(toDownstream: Buffer | undefined): void {
    const upstream = this.#upstream!;
    // Not before: a connection made in advance says nothing about how the app answers requests.
    this.#cluster.record(this.#endpoint!, 'success');
    const first = this.#lent === 0 ? this.#first : this.#first?.subarray(this.#lent);
    const { overtook } = this.#options;
    const overtaking = overtook !== undefined && this.#overtaking && first === undefined;
    let counted: 'due' | 'done' | 'not' = overtaking ? 'due' : 'done';
    const tunnel = new Tunnel(this.#downstream, upstream, (side, error) => {
      if (counted === 'due') open();
      if (tunnel.series !== undefined) {
        tunnel.series.closed++;
        tunnel.series.touchedMs = this.#services.clock.monotonic();
      }
      this.#cluster.sessionSizes.note(tunnel.receivedBytes + tunnel.sentBytes);
      const flag = error === '' ? '' : side === 'upstream' ? 'UR' : 'DC';
      this.#finish(flag, error, false);
    });
    const open = (): void => {
      counted = 'done';
      const labels = this.#options.labels(this.#endpoint, this.#cluster);
      const series = this.#services.tcp.series(labels, '', this.#tags('', '', this.#endpoint));
      series.opened++;
      series.touchedMs = this.#startMs;
      tunnel.countIn(series);
    };
    if (!overtaking) open();
    this.#tunnel = tunnel;
    this.#first = undefined;
    const { answers } = this.#options;
    this.#tunnel.start(first, toDownstream, answers && (() => answers.opened()));
    if (overtaking)
      new FirstBytes(this.#downstream, bytes => {
        if (overtook(bytes)) counted = 'not';
        else open();
      });
  }

  /** Gives the endpoint's place back. */
  #leave(): void {
    if (this.#endpoint === undefined) return;
    this.#endpoint.active--;
    this.#cluster.occupancy.connections--;
    this.#endpoint = undefined;
  }

  #finish(flag: Flag | '', detail: string, reset: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#services.timers.cancel(this.#patience);
    const endpoint = this.#endpoint ?? this.#tried.at(-1);
    if (this.#tunnel === undefined && flag !== '') {
      const labels = this.#options.labels(endpoint, this.#cluster);
      const series = this.#services.tcp.series(labels, flag, this.#tags(flag, detail, endpoint));
      series.opened++;
      series.closed++;
      series.touchedMs = this.#startMs;
    }
    const { accessLog, observers } = this.#services;
    if (accessLog.wants(0, flag) || observers.watching) {
      const session = this.#observed(flag, detail, endpoint);
      if (accessLog.wants(0, flag)) accessLog.write(accessRecordOf(session));
      if (observers.watching) observers.sessionEnd(session);
    }
    this.#leave();
    this.#options.onEnd();
    if (!reset) return;
    this.#downstream.handler = nobody;
    const { answers } = this.#options;
    if (flag === '' || answers === undefined) this.#downstream.reset();
    else answers.failed(flag, detail);
  }

  /** What Telemetry objects tell it apart by. */
  #tags(flag: Flag | '', detail: string, endpoint: RunningEndpoint | undefined): SeriesTags {
    const { sessionTagger } = this.#services;
    if (sessionTagger === undefined) return NO_TAGS;
    return sessionTagger.tagsOfSession(this.#observed(flag, detail, endpoint));
  }

  /** As others see it, by now. */
  #observed(flag: Flag | '', detail: string, endpoint: RunningEndpoint | undefined): ObservedSession {
    const { direction, downstream, principal, id = '' } = this.#options;
    return {
      id,
      direction,
      downstream,
      principal,
      cluster: this.#cluster,
      endpoint,
      opened: this.#tunnel !== undefined,
      attempts: this.#tried.length + (this.#endpoint === undefined ? 0 : 1),
      flag,
      detail,
      startMs: this.#startMs,
      endMs: this.#services.clock.monotonic(),
      receivedBytes: this.#tunnel?.receivedBytes ?? 0,
      sentBytes: this.#tunnel?.sentBytes ?? 0,
    };
  }
}
