import type { JudgedRequest } from '../../authorization/index.ts';
import type { Allowed, ConnectionQuestion, Decision, Denied, Question } from '../../ext-authz/index.ts';
import type { Field, LocalReply } from '../../http/index.ts';
import type { ExternalAuthorizer, ObjectRef } from '../../model/index.ts';
import { localReply } from '../replies/local-replies.ts';
import {
  type FilteredRequest,
  type FilterKind,
  type Instead,
  PASS,
  type Verdict,
  WAIT,
} from './filter.interface.ts';

/** Somebody who is asked about requests. */
export interface AsksAuthorizer {
  readonly authorizer: ExternalAuthorizer;
  /** `onDecision` is called once, after this has returned. */
  ask(question: Question, onDecision: (decision: Decision) => void): void;
  /** The same of a connection whose bytes are not read; where `authorizer.protocol` is `grpc`. */
  askConnection(question: ConnectionQuestion, onDecision: (decision: Decision) => void): void;
}

/** Which requests one authorizer is asked about. */
export interface ExternalCheck {
  /** As policies call it. */
  readonly provider: string;
  /** Undefined where the mesh's settings name nobody of that name: what is its business is refused. */
  readonly asks: AsksAuthorizer | undefined;
  /** The policy that makes the request its business; undefined where none does. */
  readonly match: (request: JudgedRequest) => ObjectRef | undefined;
}

/** What every question tells of this side. */
export interface OwnSide {
  readonly address: string;
  readonly port: number;
  readonly principal: () => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the filter is compiled from. */
export interface ExternalRules {
  readonly external: readonly ExternalCheck[];
  readonly own: OwnSide;
}

/**
 * Requests that policies with CUSTOM name are let in by external authorizers alone: each of them whose business a request is must
 * allow it, one after the other. Edits the request as they say, for whoever is asked behind it.
 */
export const externalAuthorization: FilterKind<ExternalRules> = {
  name: 'external-authorization',
  compile: ({ external, own }) =>
    external.length === 0 ? undefined : { judge: request => check(external, own, 0, request) },
};

/** Asks the authorizers from `first` on. */
function check(
  external: readonly ExternalCheck[],
  own: OwnSide,
  first: number,
  request: FilteredRequest,
): Verdict {
  for (let i = first; i < external.length; i++) {
    const { provider, asks, match } = external[i]!;
    const from = match(request);
    if (from === undefined) continue;
    if (asks === undefined)
      return refusal(
        request,
        from,
        403,
        `no external authorizer is called ${provider}; see extensionProviders`,
      );
    const { authorizer } = asks;
    const put = (body: Buffer | undefined, isPartial: boolean): typeof WAIT => {
      const { turn } = request;
      asks.ask(questionOf(request, own, body, isPartial), decision => {
        if (request.turn !== turn) return;
        const verdict = verdictOf(decision, authorizer, from, request);
        const next = verdict === PASS ? check(external, own, i + 1, request) : verdict;
        if (next !== WAIT) request.resume(turn, next);
      });
      return WAIT;
    };
    return authorizer.body === undefined
      ? put(undefined, false)
      : withBody(authorizer.body, request, from, put);
  }
  return PASS;
}

/** Waits for as much of the body as the authorizer is told. */
function withBody(
  { maxBytes, allowPartial }: NonNullable<ExternalAuthorizer['body']>,
  request: FilteredRequest,
  from: ObjectRef,
  put: (body: Buffer, isPartial: boolean) => typeof WAIT,
): Verdict {
  const { turn } = request;
  const go = (): Verdict | 'more' => {
    const body = request.bodySoFar(maxBytes);
    if (body === undefined) return 'more';
    request.onBody = undefined;
    if (!body.isPartial || allowPartial) return put(body.bytes, body.isPartial);
    return refusal(
      request,
      from,
      413,
      `its body is longer than the ${maxBytes} bytes that the authorizer is told`,
    );
  };
  const now = go();
  if (now !== 'more') return now;
  request.onBody = () => {
    const verdict = go();
    if (verdict !== 'more' && verdict !== WAIT) request.resume(turn, verdict);
  };
  return WAIT;
}

/** What an edge knows itself of who calls, whatever a client says of it, in any spelling. */
const clientFields =
  /^(?:forwarded|x-forwarded-.*|x-real-ip|x-original-forwarded-for|x-envoy-external-address)$/;

/** In place of what clients claim: nothing has been taken out of a request yet that its route is not known of. */
function clientOf({ caller, clientAddress, secure }: FilteredRequest): readonly Field[] {
  if (caller.clientAddressOf === undefined) return [];
  return [
    ['x-forwarded-for', clientAddress],
    ['x-forwarded-proto', secure ? 'https' : 'http'],
  ];
}

/** Path and query, also where the target is a URL. */
function targetOf({ parts }: FilteredRequest): string {
  const { head, pathBytes, pathStart, pathEnd, hasQuery, queryStart, queryEnd } = parts;
  const path = pathBytes.toString('latin1', pathStart, pathEnd);
  return hasQuery ? `${path}?${head.bytes.toString('latin1', queryStart, queryEnd)}` : path;
}

function questionOf(
  request: FilteredRequest,
  own: OwnSide,
  body: Buffer | undefined,
  isPartial: boolean,
): Question {
  const { head, caller } = request;
  const isEdge = caller.clientAddressOf !== undefined;
  const fields: Field[] = [...clientOf(request)];
  for (let i = 0; i < head.count; i++) {
    if (head.isRemoved(i) || i === head.host || i === head.clientCertificate) continue;
    const name = head.name(i).toLowerCase();
    if (isEdge && clientFields.test(name.replaceAll('_', '-'))) continue;
    fields.push([name, head.text(i)]);
  }
  for (let i = 0; i < head.addedCount; i++)
    fields.push([
      head.addedNames[i]!.toString('latin1').toLowerCase(),
      head.addedValues[i]!.toString('latin1'),
    ]);
  const port = /:(\d+)$/.exec(caller.downstream)?.[1];
  return {
    method: head.methodText,
    target: targetOf(request),
    authority: head.authority,
    fields,
    body,
    isPartial,
    protocol: request.protocol,
    scheme: request.secure ? 'https' : 'http',
    source: { address: request.clientAddress, port: Number(port ?? 0), principal: caller.principal },
    destination: { address: own.address, port: own.port, principal: own.principal() },
    atMs: own.now(),
    id: head.text(head.requestId),
  };
}

function verdictOf(
  decision: Decision,
  authorizer: ExternalAuthorizer,
  from: ObjectRef,
  request: FilteredRequest,
): Instead | typeof PASS {
  switch (decision.kind) {
    case 'allowed':
      allow(decision, request);
      return PASS;
    case 'denied':
      return denial(decision, authorizer, from);
    default: {
      if (authorizer.failOpen) return PASS;
      const why = `the external authorizer ${authorizer.name} could not be asked: ${decision.why}`;
      return refusal(request, from, authorizer.statusOnError, why);
    }
  }
}

function allow({ set, append, remove, toClient }: Allowed, { head, answerFields }: FilteredRequest): void {
  for (const name of remove) head.removeSpellings(Buffer.from(name, 'latin1'));
  for (const name of new Set(set.map(([each]) => each))) head.removeSpellings(Buffer.from(name, 'latin1'));
  for (const [name, value] of [...set, ...append])
    head.add(Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1'));
  answerFields.push(...toClient);
}

/** In the authorizer's own words: a redirect to a login among them. */
function denial({ status, fields, body }: Denied, { name }: ExternalAuthorizer, from: ObjectRef): Instead {
  const type = fields.find(([each]) => each === 'content-type')?.[1] ?? 'text/plain; charset=utf-8';
  const others = fields.filter(([each]) => each !== 'content-type');
  const reply: LocalReply = {
    status,
    contentType: body === '' ? '' : type,
    body,
    fields: [...others, ['x-weft-flag', 'UAEX']],
    close: false,
  };
  return { reply, flag: 'UAEX', detail: `ext_authz_denied: ${name} answered ${status}`, from };
}

/** The client hears no more than that; the reason is for the log. */
function refusal({ localFields }: FilteredRequest, from: ObjectRef, status: number, why: string): Instead {
  const reply = localReply('UAEX', '', { status, fields: localFields });
  return { reply, flag: 'UAEX', detail: `ext_authz_error: ${why}`, from };
}
