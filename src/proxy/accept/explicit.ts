import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import { equalsIgnoreCase, Head, METHOD } from '../../http/index.ts';
import {
  faultOf,
  HeadBuffer,
  INCOMPLETE,
  localReplyBytes,
  parseRequestHead,
  TUNNEL_OPEN,
} from '../../http1/index.ts';
import { formatAddress, parseHostPort } from '../../model/index.ts';
import type { PeerRequests } from '../../telemetry/index.ts';
import { Deadline } from '../../time/index.ts';
import type { Wire, WireHandler } from '../../wire/index.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import { Detection, type DetectionWaiter } from '../detection/detection.ts';
import { mayBeRequest, type Sniffed } from '../detection/sniff.ts';
import {
  type ExchangeHost,
  type ListenerTerms,
  type TargetWaiter,
  tellTarget,
} from '../exchange/exchange-host.ts';
import { countHop, hopsOf, MAX_HOPS, mayLeadToProxy } from '../exchange/hops.ts';
import { newRequestId, REQUEST_ID, requestIdOf } from '../exchange/request-id.ts';
import { localReply, statusFor } from '../replies/local-replies.ts';
import { answerAndLinger } from '../services/lingering.ts';
import type { Services } from '../services/services.ts';
import { TcpSession } from '../tcp/tcp-session.ts';
import { Downstream, labelOf } from './downstream.ts';
import type { NamedDestinations } from './named-destinations.ts';
import { outboundLabels, UnplacedRequests } from './outbound-metrics.ts';

const scheme = Buffer.from('http://', 'latin1');
const slash = 0x2f;
const asterisk = Buffer.from('*', 'latin1');
const hostName = Buffer.from('host', 'latin1');

/** A connection of an app that uses this proxy by its address. */
export class ExplicitConnection extends Downstream implements DetectionWaiter, ExchangeHost, WireHandler {
  readonly direction = 'outbound';
  readonly principal = '';
  readonly mutualTls = false;
  readonly serverName = '';
  readonly #named: NamedDestinations;
  readonly #onClosed: () => void;
  protected readonly detection: Detection;
  #unplaced: UnplacedRequests | undefined;
  readonly #connectHead: HeadBuffer;
  #countsHopsOf: RunningCluster | undefined;
  #countsHops = false;
  readonly #headDeadline: Deadline;
  /** What a CONNECT request asks for; '' before it is known. */
  #wanted = '';
  /** Of the CONNECT request. */
  #id = '';

  constructor(
    services: Services,
    named: NamedDestinations,
    wire: Wire,
    terms: ListenerTerms,
    onClosed: () => void,
  ) {
    super(services, wire, terms);
    this.#named = named;
    this.#onClosed = onClosed;
    this.detection = new Detection(wire, services.timers, this);
    const { limits } = services.http1;
    this.#connectHead = new HeadBuffer(
      (head, bytes, start, end) => parseRequestHead(head, bytes, start, end, limits),
      limits.maxTargetBytes + limits.maxHeaderBytes,
    );
    this.#headDeadline = new Deadline(
      () => this.#refuse('DPE', 'the CONNECT request did not arrive in time'),
      wire,
    );
  }

  start(): void {
    const { headTimeoutMs, idleTimeoutMs } = this.services.http1;
    this.detection.start({ quietMs: 0, silentMs: idleTimeoutMs, unclearMs: headTimeoutMs });
  }

  onDetected(kind: Exclude<Sniffed, 'more'>, first: Buffer): void {
    if (kind !== 'http1' && kind !== 'http2') {
      this.services.log.warn(
        { client: this.downstream },
        'closed a connection to the outbound port that is neither redirected nor HTTP; use HTTP_PROXY, or CONNECT for other protocols',
      );
      this.wire.reset();
      this.#onClosed();
      return;
    }
    if (kind === 'http1' && first.subarray(0, 8).toString('latin1') === 'CONNECT ') {
      this.#connect(first, 0, first.length);
      return;
    }
    this.services.counters.accepted.add(`direction="outbound",protocol="${labelOf(kind)}",mode="explicit"`);
    this.serveTo(this, kind, 'app', first, this.#onClosed);
  }

  onQuiet(): void {}

  onUndecided(): void {}

  onSilent(): void {
    this.onGone();
  }

  onUnclear(first: Buffer): void {
    this.onDetected(mayBeRequest(first) ? 'http1' : 'tcp', first);
  }

  onGone(): void {
    this.wire.destroy();
    this.#onClosed();
  }

  target(head: Head, waiter: TargetWaiter): RunningDestination | undefined {
    const authority = authorityOf(head);
    if (head.major === 2 && head.method === METHOD.CONNECT) {
      const words = `a tunnel to ${head.targetText} is opened by CONNECT of HTTP/1.1; over HTTP/2 this port takes requests`;
      setImmediate(tellTarget, waiter, undefined, 'NR', words);
      return undefined;
    }
    if (isOtherScheme(head)) {
      const words = `a proxy takes http:// URLs; for ${head.targetText.slice(0, 8)} clients use CONNECT`;
      setImmediate(tellTarget, waiter, undefined, 'NR', words);
      return undefined;
    }
    if (hopsOf(head) >= MAX_HOPS) {
      const words = `the request has come through ${MAX_HOPS} proxies of Weft, and goes in a circle; see where ${authority} leads`;
      setImmediate(tellTarget, waiter, undefined, 'NR', words);
      return undefined;
    }
    const address = parseHostPort(authority, 80);
    if (address === undefined) {
      const words = `'${authority}' is not a host with an optional port`;
      setImmediate(tellTarget, waiter, undefined, 'NR', words);
      return undefined;
    }
    return this.#named.find(formatAddress(address.host.toLowerCase(), address.port), waiter);
  }

  prepare(head: Head, cluster: RunningCluster): void {
    if (head.requestId < 0) head.add(REQUEST_ID, newRequestId());
    if (this.#countsHopsOf !== cluster) {
      this.#countsHopsOf = cluster.size > 0 ? cluster : undefined;
      this.#countsHops = mayLeadToProxy(cluster);
    }
    if (this.#countsHops) countHop(head);
    const end = authorityEnd(head);
    if (end === 0) return;
    const { bytes, targetStart, targetEnd } = head;
    const path = bytes.subarray(end, targetEnd);
    // RFC 9112 section 3.2.4: the last proxy turns a URL without a path into asterisk-form.
    if (path.length === 0 && head.method === METHOD.OPTIONS) head.newTarget = asterisk;
    else head.newTarget = path[0] === slash ? Buffer.from(path) : Buffer.concat([Buffer.from('/'), path]);
    const authority = bytes.toString('latin1', targetStart + scheme.length, end);
    if (head.host >= 0 && head.text(head.host) === authority) return;
    // RFC 9112 section 3.2.2: the target's authority replaces what Host says.
    if (head.host >= 0) head.remove(head.host);
    head.add(hostName, Buffer.from(authority, 'latin1'));
  }

  metrics(
    endpoint: RunningEndpoint | undefined,
    cluster: RunningCluster | undefined,
    target: RunningDestination | undefined,
  ): PeerRequests {
    if (endpoint !== undefined) return endpoint.metrics;
    this.#unplaced ??= new UnplacedRequests(this.services);
    return this.#unplaced.of(cluster?.config.service ?? target?.service);
  }

  /** More of a CONNECT request. */
  onData(bytes: Buffer, start: number, end: number): void {
    this.#connect(bytes, start, end);
  }

  onEnd(): void {
    this.#refuse('DPE', 'the CONNECT request is not complete');
  }

  onDrain(): void {}

  onClose(): void {
    this.services.timers.cancel(this.#headDeadline);
    this.#onClosed();
  }

  #connect(bytes: Buffer, start: number, end: number): void {
    const { http1, timers } = this.services;
    const head = new Head();
    const { result, next } = this.#connectHead.offer(head, bytes, start, end);
    if (result === INCOMPLETE) {
      this.wire.handler = this;
      if (!this.#headDeadline.scheduled) timers.schedule(this.#headDeadline, http1.headTimeoutMs);
      this.wire.resume();
      return;
    }
    timers.cancel(this.#headDeadline);
    this.wire.pause();
    this.#id = requestIdOf(head) || newRequestId().toString('latin1');
    const address = result > 0 && head.method === METHOD.CONNECT ? parseHostPort(head.targetText) : undefined;
    if (address === undefined) {
      this.#refuse('DPE', result < 0 ? faultOf(result).words : 'CONNECT needs host:port');
      return;
    }
    const key = formatAddress(address.host.toLowerCase(), address.port);
    this.#wanted = key;
    const rest = next < end ? Buffer.from(bytes.subarray(next, end)) : undefined;
    const waiter: TargetWaiter = {
      onTarget: (target, flag, detail) => {
        if (this.wire.closed) return;
        if (target === undefined) this.#refuse(flag, detail);
        else this.#tunnel(target, rest);
      },
      onFault: () => this.wire.onFault(),
    };
    const known = this.#named.find(key, waiter);
    if (known !== undefined) this.#tunnel(known, rest);
  }

  #tunnel(target: RunningDestination, rest: Buffer | undefined): void {
    const cluster = target.tcp.pick();
    if (cluster === undefined) {
      if (target.refused !== undefined && target.unusable) this.#refuse('NFCF', target.refused);
      else this.#refuse('NC', `${target.resource.host} has no cluster for TCP`);
      return;
    }
    this.services.counters.accepted.add('direction="outbound",protocol="tcp",mode="explicit"');
    const session = new TcpSession(
      this.services,
      {
        direction: 'outbound',
        downstream: this.downstream,
        principal: '',
        localAddress: '',
        labels: (endpoint, of) => outboundLabels(this.services, endpoint, of?.config.service, 'tcp'),
        answers: {
          opened: () => void this.wire.write(TUNNEL_OPEN, 0, TUNNEL_OPEN.length),
          failed: (flag, detail) =>
            answerAndLinger(this.services, this.wire, replyBytes(flag, detail, this.#id)),
        },
        id: this.#id,
        onEnd: this.#onClosed,
      },
      cluster,
      this.wire,
      false,
    );
    session.start(rest);
  }

  #refuse(flag: Flag, detail: string): void {
    this.services.timers.cancel(this.#headDeadline);
    const { observers, clock } = this.services;
    const id = this.#id || newRequestId().toString('latin1');
    if (observers.watching)
      observers.refusal({
        direction: 'outbound',
        downstream: this.downstream,
        principal: '',
        port: 0,
        wanted: this.#wanted,
        reason: 'connect',
        flag,
        detail,
        status: statusFor(flag),
        id,
        atMs: clock.monotonic(),
      });
    answerAndLinger(this.services, this.wire, replyBytes(flag, detail, id));
    this.#onClosed();
  }
}

function replyBytes(flag: Flag, detail: string, id: string): Buffer {
  return localReplyBytes(localReply(flag, detail, { fields: [['x-request-id', id]], close: true }));
}

/** Where the authority of an absolute-form target ends; 0 when the target has another form. */
function authorityEnd(head: Head): number {
  const { bytes, targetStart, targetEnd } = head;
  const start = targetStart + scheme.length;
  if (!equalsIgnoreCase(bytes, targetStart, Math.min(start, targetEnd), scheme)) return 0;
  let end = start;
  while (end < targetEnd && bytes[end] !== slash && bytes[end] !== 0x3f) end++;
  return end;
}

/** Whether the target is a URL that is not http. */
function isOtherScheme(head: Head): boolean {
  const first = head.bytes[head.targetStart]!;
  return first !== slash && first !== asterisk[0] && authorityEnd(head) === 0;
}

function authorityOf(head: Head): string {
  const end = authorityEnd(head);
  return end === 0 ? head.authority : head.bytes.toString('latin1', head.targetStart + scheme.length, end);
}
