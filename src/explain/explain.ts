// Not by the room's index, which reads bytes: the dashboard explains in browsers.
import { httpStatusOf } from '../grpc/http-status.ts';
import { statusName } from '../grpc/status-names.ts';
import type { ProxyRecord, ProxyRecords, RequestRecord } from '../model/index.ts';
import { type Cause, firstThatFits, podRef, type Told } from './cause.ts';
import { mirrorCause, refusalCause, sessionCause } from './causes/connections.ts';
import { calleeOf, triesInWords } from './causes/record.ts';
import { REQUEST_CAUSES } from './causes/requests.ts';
import { type Found, flatten, type Hop, joinHops } from './hops.ts';
import { notesOf } from './notes.ts';
import type { Tools } from './tools.ts';

/** What became of a request, and why. */
export interface Explanation {
  readonly id: string;
  /** In the order in which it came through them. */
  readonly hops: readonly ExplainedHop[];
  /** Undefined where nothing failed. */
  readonly cause?: Cause;
  /** Index of the hop where the cause lies. */
  readonly decidedAt?: number;
  /** What is to be known beside: what is missing, and what makes it worse. */
  readonly notes: readonly string[];
}

/** A hop, as it is shown. */
export interface ExplainedHop {
  /** How deep in the chain of calls. */
  readonly depth: number;
  readonly proxy: { readonly namespace: string; readonly pod: string; readonly workload: string };
  readonly record: ProxyRecord;
}

/** Explains the request of this id from what proxies say of it; undefined where none has a record. */
export function explain(id: string, answers: readonly ProxyRecords[], tools: Tools): Explanation | undefined {
  const hops = joinHops(answers);
  const flat = flatten(hops);
  if (flat.length === 0) return undefined;
  const found = hops.map(hop => causeOf(hop, tools)).find(each => each !== undefined);
  const shown = flat.map(({ hop: { told }, depth }): ExplainedHop => {
    const { namespace, pod, workload } = told.self;
    return { depth, proxy: { namespace, pod, workload }, record: told.record };
  });
  return {
    id,
    hops: shown,
    ...(found && { cause: found.cause, decidedAt: flat.findIndex(({ hop }) => hop === found.at) }),
    notes: notesOf(
      flat.map(({ hop }) => hop),
      found,
      answers,
    ),
  };
}

/** Why a single record failed, as far as its own proxy knows; undefined where it did not fail, or others decided. */
export function causeOfRecord(told: Told, tools: Tools): Cause | undefined {
  const { record } = told;
  switch (record.kind) {
    case 'refusal':
      return refusalCause({ ...told, record }, tools);
    case 'session':
      return record.flag === '' ? undefined : sessionCause({ ...told, record }, tools);
    case 'mirror':
      return mirrorCause({ ...told, record }, tools);
    case 'request':
      return requestCause({ ...told, record }, tools);
  }
}

function causeOf(hop: Hop, tools: Tools): Found | undefined {
  const { told, next } = hop;
  const { record } = told;
  if (!failed(record)) return next.map(each => causeOf(each, tools)).find(each => each !== undefined);
  // Who was called last knows more than who was answered: only what this proxy decided itself is decided here.
  const further = decidedElsewhere(record)
    ? next.flatMap(each => causeOf(each, tools) ?? []).at(-1)
    : undefined;
  if (further !== undefined) return further;
  const cause = causeOfRecord(told, tools);
  return cause && { cause, at: hop };
}

/** Whether the answer came from further on, or the connection ended there. */
function decidedElsewhere(record: ProxyRecord): boolean {
  if (record.kind !== 'request') return false;
  const { flag, answeredAfterMs } = record;
  if (flag === '' || flag === 'URX' || flag === 'DI') return answeredAfterMs !== undefined;
  return flag === 'UR' || flag === 'UC' || flag === 'UPE' || flag === 'UF';
}

function requestCause(told: Told<RequestRecord>, tools: Tools): Cause | undefined {
  const { record, self } = told;
  if (!failed(record)) return undefined;
  const own = firstThatFits(REQUEST_CAUSES, told, tools);
  if (own !== undefined) return own;
  const callee = calleeOf(told);
  if (record.answeredAfterMs === undefined) return undefined;
  const pod = callee?.kind === 'Pod' ? callee : podRef(self.namespace, self.pod);
  const tries = record.noRetry === '' ? '' : `; ${triesInWords(record)}`;
  const rest = {
    words: `the app of pod ${pod.name} answered ${answerOf(record)}${tries}`,
    object: pod,
    remedy: 'see what the app says of it',
    commands: [tools.appLog(pod.namespace, pod.name)],
  };
  if (record.noRetry === 'budget') return { code: 'retry-budget', ...rest };
  return record.flag === 'URX' ? { code: 'retries-exhausted', ...rest } : { code: 'app-error', ...rest };
}

/** The status: `503`, or of a gRPC call that failed its own, `UNAVAILABLE`. */
function answerOf({ status, grpcStatus = 0 }: RequestRecord): string {
  return grpcStatus > 0 ? statusName(grpcStatus) : String(status);
}

/** Whether somebody may ask why; see RequestRecorder. */
function failed(record: ProxyRecord): boolean {
  const { kind, flag } = record;
  if (kind !== 'request') return kind !== 'session' || flag !== '';
  const { status, grpcStatus = 0 } = record;
  return status >= 500 || httpStatusOf(grpcStatus) >= 500 || (flag !== '' && flag !== 'DI');
}
