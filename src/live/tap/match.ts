import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import { httpStatusOf } from '../../grpc/index.ts';
import type {
  ObservedMirror,
  ObservedRefusal,
  ObservedRequest,
  ObservedSession,
} from '../../proxy/observation/observer.interface.ts';
import { hostOf, isOfHttp, protocolOf } from './describe.ts';
import type { TapDestination, TapQuestion } from './question.ts';

interface Header {
  readonly name: Buffer;
  readonly value: string | undefined;
}

/** A question, ready to be held against each request. Cheap tests first. */
export class TapMatch {
  readonly #question: TapQuestion;
  readonly #methods: ReadonlySet<string> | undefined;
  readonly #from: ReadonlySet<string> | undefined;
  readonly #headers: readonly Header[];
  readonly #path: ((path: string) => boolean) | undefined;

  constructor(question: TapQuestion) {
    this.#question = question;
    this.#methods = question.methods && new Set(question.methods);
    this.#from = question.from && new Set(question.from);
    this.#headers = (question.headers ?? []).map(({ name, value }) => ({
      name: Buffer.from(name, 'latin1'),
      value,
    }));
    this.#path = question.path === undefined ? undefined : pathTest(question.path);
  }

  request(request: ObservedRequest): boolean {
    const { direction, id, minMs, flags, statuses, authority, protocol, to } = this.#question;
    const { head } = request;
    return (
      (direction === undefined || request.direction === direction) &&
      (id === undefined || request.id === id) &&
      (minMs === undefined || request.endMs - request.startMs >= minMs) &&
      (flags === undefined || flags.includes(request.flag)) &&
      (statuses === undefined || statuses.some(each => fitsStatus(each, request))) &&
      this.#isFrom(request) &&
      (to === undefined || to.some(each => goesTo(each, request.cluster, request.endpoint))) &&
      (protocol === undefined || protocolOf(head) === protocol) &&
      (this.#methods === undefined || this.#methods.has(head.methodText)) &&
      (authority === undefined || hostOf(head.authority) === authority) &&
      (this.#path === undefined || this.#path(head.targetText)) &&
      this.#headers.every(({ name, value }) => {
        const at = head.find(name);
        return at >= 0 && (value === undefined || head.text(at) === value);
      })
    );
  }

  session(session: ObservedSession): boolean {
    const { direction, minMs, flags, protocol, to, id, statuses } = this.#question;
    return (
      (id ?? statuses) === undefined &&
      !this.#asksOfHead() &&
      (protocol === undefined || protocol === 'tcp') &&
      (direction === undefined || session.direction === direction) &&
      (minMs === undefined || session.endMs - session.startMs >= minMs) &&
      (flags === undefined || flags.includes(session.flag)) &&
      this.#isFrom(session) &&
      (to === undefined || to.some(each => goesTo(each, session.cluster, session.endpoint)))
    );
  }

  /** Of a refusal nobody knows whom it was for beyond what the client said; it took no time. */
  refusal(refusal: ObservedRefusal): boolean {
    const { direction, id, minMs, flags, statuses, protocol, to } = this.#question;
    return (
      (minMs ?? to) === undefined &&
      !this.#asksOfHead() &&
      (direction === undefined || refusal.direction === direction) &&
      (id === undefined || refusal.id === id) &&
      (protocol === undefined || protocol === (isOfHttp(refusal) ? 'http' : 'tcp')) &&
      (flags === undefined || flags.includes(refusal.flag)) &&
      (statuses === undefined || statuses.some(each => fitsStatus(each, refusal))) &&
      this.#isFrom(refusal)
    );
  }

  /** A mirror's copy; its head is the request's, which is told itself, and is not looked at again. */
  mirror(mirror: ObservedMirror): boolean {
    const { direction, id, minMs, flags, statuses, protocol, to } = this.#question;
    return (
      this.#from === undefined &&
      !this.#asksOfHead() &&
      direction !== 'inbound' &&
      (protocol === undefined || protocol === 'http') &&
      (id === undefined || mirror.id === id) &&
      (minMs === undefined || mirror.endMs - mirror.startMs >= minMs) &&
      (flags === undefined || flags.includes(mirror.flag)) &&
      (statuses === undefined || statuses.includes('failed')) &&
      (to === undefined || to.some(each => goesTo(each, mirror.cluster, mirror.endpoint)))
    );
  }

  /** Whether it asks for something that only the head of a request says. */
  #asksOfHead(): boolean {
    return (this.#methods ?? this.#path ?? this.#question.authority ?? this.#headers[0]) !== undefined;
  }

  /** On the caller's own side the pods that are tapped say who it is. */
  #isFrom({ direction, downstream }: Pick<ObservedRequest, 'direction' | 'downstream'>): boolean {
    return this.#from === undefined || (direction === 'inbound' && this.#from.has(addressOf(downstream)));
  }
}

/** Without the port. */
function addressOf(downstream: string): string {
  return downstream.slice(0, downstream.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}

function fitsStatus(
  wanted: string,
  {
    status,
    flag,
    grpcStatus = 0,
  }: Pick<ObservedRequest, 'status' | 'flag'> & { readonly grpcStatus?: number },
): boolean {
  if (wanted === 'failed')
    return (
      status >= 500 || (grpcStatus > 0 && httpStatusOf(grpcStatus) >= 500) || status === 0 || flag !== ''
    );
  return wanted.endsWith('xx') ? Math.floor(status / 100) === Number(wanted[0]) : status === Number(wanted);
}

function goesTo(
  wanted: TapDestination,
  cluster: RunningCluster | undefined,
  endpoint: RunningEndpoint | undefined,
): boolean {
  if ('service' in wanted) {
    const service = cluster?.config.service;
    return service?.name === wanted.service && isIn(service.namespace, wanted.namespace);
  }
  if ('address' in wanted) return endpoint?.config.address === wanted.address;
  const peer = endpoint?.config.peer;
  return peer?.workload === wanted.workload && isIn(peer.namespace, wanted.namespace);
}

function isIn(namespace: string, wanted: string): boolean {
  return wanted === '' || namespace === wanted;
}

/** `/api`: what begins with it; with `*` the whole path, of which `*` is any part. The query counts only where it is written. */
function pathTest(wanted: string): (target: string) => boolean {
  const withoutQuery = (target: string): string =>
    wanted.includes('?') ? target : target.replace(/\?.*/s, '');
  if (!wanted.includes('*')) return target => withoutQuery(target).startsWith(wanted);
  const parts = wanted.split('*');
  return target => {
    const path = withoutQuery(target);
    const [first, last] = [parts[0]!, parts.at(-1)!];
    if (!path.startsWith(first) || !path.endsWith(last) || path.length < first.length + last.length)
      return false;
    // No regular expression: whoever writes the filter must not choose how long it takes.
    let at = first.length;
    for (const part of parts.slice(1, -1)) {
      const found = path.indexOf(part, at);
      if (found < 0 || found + part.length > path.length - last.length) return false;
      at = found + part.length;
    }
    return true;
  };
}
