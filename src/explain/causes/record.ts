// What the causes of requests read from a record, and say of it.
import type { ObjectRef, RequestRecord } from '../../model/index.ts';
import { podRef, serviceOf, type Told, urlOf } from '../cause.ts';
import type { Tools } from '../tools.ts';

/** The filter that answered. */
export const lastFilter = ({ record }: Told<RequestRecord>): RequestRecord['filters'][number] | undefined =>
  record.filters.findLast(each => each.verdict === 'answered');
/** Whose route the request took. */
export const routeOf = ({ record }: Told<RequestRecord>): ObjectRef | undefined => record.route?.from;
/** `VirtualService web.shop (file.yaml:3)` */
export const nameOf = (ref: ObjectRef): string =>
  `${ref.kind} ${ref.name}${ref.namespace === '' ? '' : `.${ref.namespace}`}${ref.origin === undefined ? '' : ` (${ref.origin})`}`;
/** The pod whose proxy wrote the record. */
export const who = ({ self }: Told<RequestRecord>): ObjectRef => podRef(self.namespace, self.pod);
/** The command that tells which rule each request takes. */
export const routeCommand = (told: Told<RequestRecord>, tools: Tools): string =>
  tools.route(told.record.method, urlOf(told.record), told.self.namespace, told.self.pod);
/** The command that shows an object. */
export const shows = (ref: ObjectRef | undefined, tools: Tools): readonly string[] =>
  ref === undefined ? [] : [tools.show(ref)];

/** The last try that did not end well. */
export function failedTry({ record }: Told<RequestRecord>): RequestRecord['tries'][number] | undefined {
  return record.tries.findLast(each => each.end !== 'taken' && each.end !== 'overtaken');
}

/** In words: how the tries before the last went, and why there was none after it. */
export function triesInWords({ tries, attempts, noRetry }: RequestRecord): string {
  const count = attempts > 1 ? `tried ${attempts} times` : tries.length > 0 ? 'tried once' : '';
  const why = NO_RETRY[noRetry] ?? '';
  return [count, why].filter(part => part !== '').join('; ');
}

const NO_RETRY: Readonly<Record<string, string>> = {
  'not-wanted': 'its policy has no retry for this',
  pushback: 'not repeated, because the server asked for that (grpc-retry-pushback-ms)',
  'not-idempotent': 'not repeated, because a byte may have reached the app and its method is not idempotent',
  'not-kept': 'not repeated, because its body was too large to be kept',
  'no-tries-left': 'no more tries were left',
  'too-late': 'not repeated, because its first try began too long ago (proxy-next-upstream-timeout)',
  budget: 'not repeated, because the budget of retries was spent',
  login: 'not repeated, because it belongs to a login on its connection',
};

/** The pod that the last try went to, or beside an inbound proxy its own. */
export function calleeOf(told: Told<RequestRecord>): ObjectRef | undefined {
  const { record, self } = told;
  if (record.direction === 'inbound') return podRef(self.namespace, self.pod);
  const last = record.tries.at(-1);
  if (last === undefined || last.pod === '') return serviceOf(record);
  return podRef(last.namespace, last.pod);
}

/** The command for the log of the app that was called. */
export function logsOf(told: Told<RequestRecord>, tools: Tools): readonly string[] {
  const callee = calleeOf(told);
  return callee?.kind === 'Pod' ? [tools.appLog(callee.namespace, callee.name)] : [];
}
