import type { Accepted, Authenticator, Judgement, Refused } from '../../authentication/index.ts';
import { errorMessage, internalError } from '../../errors/index.ts';
import type { ByteRange, Field } from '../../http/index.ts';
import type { JwtRule, ObjectRef } from '../../model/index.ts';
import { localReply } from '../replies/local-replies.ts';
import {
  type FilteredRequest,
  type FilterKind,
  type Instead,
  PASS,
  type Verdict,
  WAIT,
} from './filter.interface.ts';

const query: ByteRange = { start: 0, end: 0 };
/** As Envoy cuts it. */
const maxRealm = 256;

/**
 * Whom a request comes from, by its token. The one filter beside that of external authorizers that edits the request: what is
 * asked behind it must see what the app will see, and nothing of what a client claims under the names of verified claims.
 */
export const tokens: FilterKind<{ readonly tokens: Authenticator | undefined }> = {
  name: 'tokens',
  compile({ tokens: authenticator }) {
    if (authenticator === undefined) return undefined;
    const { rules } = authenticator;
    const outputs = [...new Set(rules.flatMap(({ rule }) => outputsOf(rule)))].map(bytesOf);
    return {
      judge(request) {
        const { head, parts } = request;
        for (let i = 0; i < outputs.length; i++) head.removeSpellings(outputs[i]!);
        query.start = parts.queryStart;
        query.end = parts.queryEnd;
        const judgement = authenticator.judge(head, query);
        if (judgement === undefined) return PASS;
        if (!(judgement instanceof Promise)) return verdictOf(judgement, request);
        const { turn } = request;
        judgement.then(
          late => resume(request, turn, late),
          (thrown: unknown) => {
            internalError('tokens', thrown);
            resume(request, turn, undefined, errorMessage(thrown));
          },
        );
        return WAIT;
      },
    };
  },
};

/** `failed`: nothing could be found out, so that nobody gets through. */
function resume(request: FilteredRequest, turn: number, judgement: Judgement, failed?: string): void {
  // What is under way by now is another request.
  if (request.turn !== turn) return;
  const verdict = failed === undefined ? judgement && verdictOf(judgement, request) : broken(request, failed);
  request.resume(turn, verdict);
}

function verdictOf(judgement: Accepted | Refused, request: FilteredRequest): Exclude<Verdict, typeof WAIT> {
  if (judgement.kind === 'refused') return refusal(judgement, request);
  accept(judgement, request);
  return PASS;
}

function accept({ claims, token, rule: { rule, places } }: Accepted, request: FilteredRequest): void {
  const { head } = request;
  request.token = claims;
  if (rule.forwardOriginalToken !== true) places.remove(head);
  const { outputPayloadToHeader: payload, outputClaimToHeaders: outputs } = rule;
  if (payload !== undefined) {
    const text = token.split('.', 2)[1]!;
    const padded = rule.padsPayload ? text.padEnd(Math.ceil(text.length / 4) * 4, '=') : text;
    head.add(bytesOf(payload), Buffer.from(padded, 'latin1'));
  }
  if (outputs === undefined) return;
  for (const { header, claim } of outputs) {
    const value = claims.headerValue(claim);
    if (value !== undefined) head.add(bytesOf(header), Buffer.from(value, 'latin1'));
  }
}

/**
 * The client is told what is wrong with its token; why there are no keys is for the log alone. 401 as RFC 6750 section 3 has it,
 * 403 for a good token that is for somebody else, as Envoy does it.
 */
function refusal({ fault, words, rule: { from, issuer } }: Refused, request: FilteredRequest): Instead {
  const text = fault === 'no-keys' ? `the keys of ${issuer} cannot be had at the moment` : words;
  return {
    reply: localReply('UAEX', text, {
      status: fault === 'audience' ? 403 : 401,
      fields: [challenge(request), ...request.localFields],
    }),
    flag: 'UAEX',
    detail: `jwt_authn_access_denied[${fault}]${nameOf(from)}: ${words}`,
    ...(from && { from }),
  };
}

function broken(request: FilteredRequest, why: string): Instead {
  const reply = localReply('UAEX', 'its token could not be looked at', {
    status: 401,
    fields: [challenge(request)],
  });
  return { reply, flag: 'UAEX', detail: `jwt_authn_access_denied[error]: ${why}` };
}

/** Without the query: tokens stand there. */
function challenge({ parts }: FilteredRequest): Field {
  const { head, pathBytes, pathStart, pathEnd, authorityStart, authorityEnd } = parts;
  const authority = head.bytes.toString('latin1', authorityStart, authorityEnd);
  const path = pathBytes.toString('latin1', pathStart, pathEnd);
  const realm = `http://${authority}${path}`.slice(0, maxRealm).replace(/["\\\x80-\xff]/g, '');
  return ['www-authenticate', `Bearer realm="${realm}", error="invalid_token"`];
}

function nameOf(from: ObjectRef | undefined): string {
  return from === undefined ? '' : ` ${from.kind} ${from.name}.${from.namespace}`;
}

function outputsOf({ outputPayloadToHeader, outputClaimToHeaders = [] }: JwtRule): readonly string[] {
  const claims = outputClaimToHeaders.map(({ header }) => header);
  return outputPayloadToHeader === undefined ? claims : [outputPayloadToHeader, ...claims];
}

const known = new Map<string, Buffer>();

/** The bytes of a header's name, made once: they stand in policies. */
function bytesOf(name: string): Buffer {
  let bytes = known.get(name);
  if (bytes === undefined) {
    bytes = Buffer.from(name, 'latin1');
    known.set(name, bytes);
  }
  return bytes;
}
