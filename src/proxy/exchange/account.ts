import type { Flag } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import { isFailure } from '../../routing/index.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-host.ts';
import { ExchangeView, recordOf } from './exchange-record.ts';
import { giveRequestId } from './request-id.ts';
import type { RequestSoFar } from './request-so-far.ts';
import type { StreamInfo } from './stream-info.ts';
import type { Tries } from './tries.ts';

/**
 * What others hear of an exchange: it is counted, logged and shown to observers. One object serves the requests of a stream, one
 * after the other.
 */
export class Account {
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  readonly #request: RequestSoFar;
  readonly #info: StreamInfo;
  readonly #tries: Tries;
  /** Made when an exchange is first logged or observed. */
  #view: ExchangeView | undefined;

  constructor(
    services: ExchangeServices,
    host: ExchangeHost,
    request: RequestSoFar,
    info: StreamInfo,
    tries: Tries,
  ) {
    this.#services = services;
    this.#host = host;
    this.#request = request;
    this.#info = info;
    this.#tries = tries;
  }

  /** It is about to be sent. */
  forward(): void {
    const { observers } = this.#services;
    if (observers.forwards) observers.forward(this.#show());
  }

  /** This answer is taken. */
  answer(head: Head): void {
    const { observers } = this.#services;
    if (observers.answers) observers.answer(this.#show(), head);
  }

  /** It is over: counts it, and tells whoever wants to know. */
  end(flag: Flag | '', detail: string): void {
    const { clock, accessLog, observers, tagger } = this.#services;
    const info = this.#info;
    const { status, cluster, target, route } = info;
    const nowMs = clock.monotonic();
    const durationMs = nowMs - info.startMs;
    if (flag === '' && info.delayed) flag = 'DI';
    if (route?.series !== undefined) this.#countRoute(nowMs);
    const peer = this.#host.metrics(this.#tries.lastEndpoint, cluster, target);
    const series =
      tagger === undefined
        ? peer.series(status, flag)
        : peer.tagged(status, flag, tagger.tagsOf(this.#show(flag, detail, nowMs)));
    series.requests++;
    series.touchedMs = nowMs;
    series.durationMs.observe(durationMs);
    series.requestBytes.observe(info.receivedBytes);
    series.responseBytes.observe(info.sentBytes);
    const { attempts } = this.#tries;
    const watched =
      observers.watching && observers.wantEnd(status, flag, route?.route, durationMs, nowMs, attempts);
    const logged = accessLog.wants(status, flag);
    if (!watched && !logged) return;
    if (watched) this.#tries.conclude();
    const view = this.#show(flag, detail, nowMs);
    view.series = series;
    if (logged) accessLog.write(recordOf(view));
    if (watched) observers.requestEnd(view);
  }

  #countRoute(nowMs: number): void {
    const { status, startMs } = this.#info;
    const { series, route } = this.#info.route!;
    if (status === 0 || isFailure(route.responseClasses, status)) series!.failure++;
    else series!.success++;
    series!.touchedMs = nowMs;
    series!.durationMs.observe(nowMs - startMs);
  }

  /** The request as others see it, as it stands now. `endMs`: 0 where it is not over. */
  #show(flag: Flag | '' = '', detail = '', endMs = 0): ExchangeView {
    const info = this.#info;
    const tries = this.#tries;
    const { head } = this.#request;
    if (endMs > 0) giveRequestId(head);
    this.#view ??= new ExchangeView(this.#host);
    const view = this.#view;
    view.head = head;
    view.destination = info.target?.resource;
    view.route = info.route?.route;
    view.cluster = info.cluster ?? info.full;
    view.endpoint = tries.lastEndpoint;
    view.work = info.work;
    view.instead = info.instead;
    view.mirrored = info.shadows?.count ?? 0;
    view.startMs = info.startMs;
    view.answeredMs = info.answeredMs;
    view.tries = tries.records;
    view.attempts = tries.attempts;
    view.noRetry = tries.noRetry;
    view.endMs = endMs;
    view.status = info.status;
    view.grpcStatus = info.grpcStatus;
    view.flag = flag;
    view.detail = detail;
    view.receivedBytes = info.receivedBytes;
    view.sentBytes = info.sentBytes;
    return view;
  }
}
