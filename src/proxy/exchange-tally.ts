import type { Cluster, RunningEndpoint } from '../cluster/index.ts';
import type { Flag } from '../errors/index.ts';
import type { Head } from '../http/index.ts';
import { isFailure } from '../routing/index.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-host.ts';
import type { RunningRoute } from './running-route.ts';

/** Where an exchange ended. */
export interface TallyPlace {
  readonly endpoint: RunningEndpoint | undefined;
  readonly cluster: Cluster | undefined;
  readonly route: RunningRoute | undefined;
}

/** What is known of one request for metrics and log. One object serves all requests of a connection. */
export class ExchangeTally {
  /** 0 while there is none. */
  status = 0;
  startMs = 0;
  receivedBytes = 0;
  sentBytes = 0;
  attempts = 0;
  /** Whether a policy held the request up on purpose. */
  delayed = false;
  /** Services.failedCalls when the request came. */
  failedCallsBefore = 0;
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;

  constructor(services: ExchangeServices, host: ExchangeHost) {
    this.#services = services;
    this.#host = host;
  }

  /** A request begins. */
  begin(nowMs: number): void {
    this.status = 0;
    this.startMs = nowMs;
    this.receivedBytes = 0;
    this.sentBytes = 0;
    this.attempts = 0;
    this.delayed = false;
    this.failedCallsBefore = this.#services.failedCalls;
  }

  /** Counts the exchange, and logs it where that is wanted. */
  end(
    head: Head,
    given: Flag | '',
    detail: string,
    endpoint: RunningEndpoint | undefined,
    cluster: Cluster | undefined,
    route: RunningRoute | undefined,
  ): void {
    const { clock, accessLog } = this.#services;
    const { status } = this;
    const nowMs = clock.monotonic();
    const durationMs = nowMs - this.startMs;
    const flag = given === '' && this.delayed ? 'DI' : given;
    const series = this.#host.metrics(endpoint, cluster).series(status, flag);
    series.requests++;
    series.touchedMs = nowMs;
    series.durationMs.observe(durationMs);
    series.requestBytes.observe(this.receivedBytes);
    series.responseBytes.observe(this.sentBytes);
    if (route?.series !== undefined) this.#countRoute(route, durationMs);
    if (this.#host.direction === 'outbound' && (status >= 500 || status === 0)) this.#services.failedCalls++;
    if (accessLog.wants(status, flag))
      this.#log(head, flag, detail, durationMs, { endpoint, cluster, route });
  }

  #countRoute({ series, route }: RunningRoute, durationMs: number): void {
    if (this.status === 0 || isFailure(route.responseClasses, this.status)) series!.failure++;
    else series!.success++;
    series!.durationMs.observe(durationMs);
  }

  #log(head: Head, flag: Flag | '', detail: string, durationMs: number, place: TallyPlace): void {
    const { direction, downstream, principal } = this.#host;
    const { endpoint, cluster, route } = place;
    this.#services.accessLog.write({
      direction,
      protocol: `HTTP/1.${head.minor}`,
      method: head.methodText,
      authority: head.authority,
      path: head.targetText,
      status: this.status,
      flag,
      detail,
      durationMs: Math.round(durationMs * 1000) / 1000,
      receivedBytes: this.receivedBytes,
      sentBytes: this.sentBytes,
      downstream,
      upstream: endpoint?.key ?? '',
      cluster: cluster?.config.name ?? '',
      route: route?.route.name ?? '',
      requestId: head.text(head.requestId),
      peer: direction === 'inbound' ? principal : (endpoint?.config.peer.principal ?? ''),
      attempts: this.attempts,
    });
  }
}
