import type { Question } from '../../discovery/index.ts';
import { isRecord } from '../../plain/index.ts';

/**
 * Which requests a tap shows: those that all of these hold for; what is undefined is not asked. It crosses the wire, so that both
 * sides read it as something that somebody wrote.
 */
export interface TapQuestion extends Question {
  readonly kind: 'tap';
  readonly direction?: 'inbound' | 'outbound';
  /** `http`, `grpc` or `tcp`. */
  readonly protocol?: string;
  /** In capitals; one of these. */
  readonly methods?: readonly string[];
  /** What the path begins with; with `*`, which stands for anything, the whole path. */
  readonly path?: string;
  /** What the authority is, without its port. */
  readonly authority?: string;
  /** `404`, `5xx`, or `failed`: 5xx, a flag, or no answer; one of these. */
  readonly statuses?: readonly string[];
  /** Response flags as in the access log; one of these. */
  readonly flags?: readonly string[];
  /** Lowercase names; with a value the header must be that. */
  readonly headers?: readonly { readonly name: string; readonly value?: string }[];
  readonly minMs?: number;
  /** The request id. */
  readonly id?: string;
  /** Addresses of pods that may be the caller. */
  readonly from?: readonly string[];
  /** Whom it goes to: any of these. */
  readonly to?: readonly TapDestination[];
  /** Headers of the request whose values are told, in lowercase; sensitive ones never are. */
  readonly show?: readonly string[];
  /** Requests a second that the whole proxy tells. */
  readonly maxRps: number;
}

/** Where a request goes, as a Service, a workload or an address of a pod. A namespace '' is any. */
export type TapDestination =
  | { readonly service: string; readonly namespace: string }
  | { readonly workload: string; readonly namespace: string }
  | { readonly address: string };

/** The most requests a second that a proxy tells. */
export const MAX_TAP_RPS = 1_000;
/** Unless told. */
export const DEFAULT_TAP_RPS = 100;
const maxList = 500;
const maxLength = 1_000;

/** Reads a question. Text: what is wrong with it. */
export function readTapQuestion(question: Readonly<Record<string, unknown>>): TapQuestion | string {
  const { direction, protocol, methods, path, authority, statuses, flags, headers } = question;
  const { minMs, id, from, to, show, maxRps = DEFAULT_TAP_RPS } = question;
  if (direction !== undefined && direction !== 'inbound' && direction !== 'outbound')
    return "the direction is 'inbound' or 'outbound'";
  if (protocol !== undefined && !['http', 'grpc', 'tcp'].includes(protocol as string))
    return "the protocol is 'http', 'grpc' or 'tcp'";
  for (const list of [methods, statuses, flags, from, show])
    if (list !== undefined && !isTexts(list)) return 'a filter is no list of texts, or too long';
  for (const text of [path, authority, id])
    if (text !== undefined && !isText(text)) return 'a filter is no text, or too long';
  const status = (statuses as readonly string[] | undefined)?.find(
    each => !/^([1-5]\d\d|[1-5]xx|failed)$/.test(each),
  );
  if (status !== undefined) return `'${status.slice(0, 50)}' is no status; write 404, 5xx or failed`;
  if (minMs !== undefined && !(typeof minMs === 'number' && minMs >= 0))
    return 'the latency is no number of milliseconds';
  if (!(typeof maxRps === 'number' && maxRps >= 1 && maxRps <= MAX_TAP_RPS))
    return `the rate is 1 to ${MAX_TAP_RPS} requests a second of each proxy`;
  if (headers !== undefined && !isHeaders(headers)) return 'a header filter has no name, or is too long';
  const secret = (headers as TapQuestion['headers'])?.find(
    ({ name, value }) => value !== undefined && isSensitive(name),
  );
  if (secret)
    return `the value of ${secret.name} is secret, and nobody may ask for it; ask for its name alone`;
  if (to !== undefined && !isDestinations(to)) return 'whom requests go to cannot be read';
  return { ...question, kind: 'tap', maxRps } as TapQuestion;
}

/** Names of headers that hold secrets. Their values are told to nobody, and cannot be asked for. */
const sensitive =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-forwarded-client-cert|x-amz-security-token|x-goog-iam-.*)$|token|secret|passw|api-?key|credential|session|signature|jwt/;

/** Whether the value of this header (in lowercase) is nobody's business. */
export function isSensitive(name: string): boolean {
  return sensitive.test(name);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxLength;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= maxList && value.every(isText);
}

function isHeaders(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= 20 &&
    value.every(
      each => isRecord(each) && isText(each.name) && (each.value === undefined || isText(each.value)),
    )
  );
}

function isDestinations(value: unknown): boolean {
  const isOne = (each: unknown): boolean =>
    isRecord(each) &&
    (isText(each.address) ||
      (typeof each.namespace === 'string' &&
        each.namespace.length < 254 &&
        (isText(each.service) || isText(each.workload))));
  return Array.isArray(value) && value.length <= maxList && value.every(isOne);
}
