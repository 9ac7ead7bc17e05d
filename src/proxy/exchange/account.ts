import type { Flag } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import { isFailure } from '../../routing/index.ts';
import type { CallSeries } from '../../telemetry/index.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-host.ts';
import { ExchangeView, recordOf } from './exchange-record.ts';
import type { GrpcCall } from './grpc-call.ts';
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
  /** What the gRPC call under way moves between its peers; undefined before it is known who they are. */
  #moving: CallSeries | undefined;
  #movedBytes = 0;
  #movedBytesBack = 0;
  #movedMessages = 0;
  #movedMessagesBack = 0;
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

  /** A gRPC call goes on: what has moved counts now. Only once it is known who the peers are. */
  moved(call: GrpcCall): void {
    const { cluster, target, receivedBytes, sentBytes, lastMoveMs } = this.#info;
    let series = this.#moving;
    if (series === undefined) {
      series = this.#host.metrics(this.#tries.lastEndpoint, cluster, target).calls.moving;
      series.open++;
      this.#moving = series;
    }
    const { requestMessages, responseMessages } = call;
    series.requestMessages += requestMessages.count - this.#movedMessages;
    series.responseMessages += responseMessages.count - this.#movedMessagesBack;
    series.requestBytes += receivedBytes - this.#movedBytes;
    series.responseBytes += sentBytes - this.#movedBytesBack;
    series.touchedMs = lastMoveMs;
    this.#movedMessages = requestMessages.count;
    this.#movedMessagesBack = responseMessages.count;
    this.#movedBytes = receivedBytes;
    this.#movedBytesBack = sentBytes;
  }

  #endCall(call: GrpcCall): void {
    this.moved(call);
    this.#moving!.open--;
    this.#moving = undefined;
    this.#movedMessages = 0;
    this.#movedMessagesBack = 0;
    this.#movedBytes = 0;
    this.#movedBytesBack = 0;
  }

  /** It is over: counts it, and tells whoever wants to know. */
  end(flag: Flag | '', detail: string): void {
    const { clock, accessLog, observers, tagger } = this.#services;
    const info = this.#info;
    const { status, cluster, target, route, grpcStatus, outcome } = info;
    const { call } = this.#request;
    if (call !== undefined) this.#endCall(call);
    const nowMs = clock.monotonic();
    const durationMs = nowMs - info.startMs;
    if (flag === '' && info.delayed) flag = 'DI';
    if (route?.series !== undefined) this.#countRoute(nowMs);
    const peers = this.#host.metrics(this.#tries.lastEndpoint, cluster, target);
    const peer = call === undefined ? peers : peers.calls;
    const series =
      tagger === undefined
        ? peer.series(status, flag, grpcStatus)
        : peer.tagged(status, flag, tagger.tagsOf(this.#show(flag, detail, nowMs)), grpcStatus);
    series.requests++;
    series.touchedMs = nowMs;
    series.durationMs.observe(durationMs);
    series.requestBytes.observe(info.receivedBytes);
    series.responseBytes.observe(info.sentBytes);
    const { attempts } = this.#tries;
    const watched =
      observers.watching && observers.wantEnd(outcome, flag, route?.route, durationMs, nowMs, attempts);
    const logged = accessLog.wants(outcome, flag);
    if (!watched && !logged) return;
    if (watched) this.#tries.conclude();
    const view = this.#show(flag, detail, nowMs);
    view.series = series;
    if (logged) accessLog.write(recordOf(view));
    if (watched) observers.requestEnd(view);
  }

  #countRoute(nowMs: number): void {
    const { outcome, startMs } = this.#info;
    const { series, route } = this.#info.route!;
    if (outcome === 0 || isFailure(route.responseClasses, outcome)) series!.failure++;
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
