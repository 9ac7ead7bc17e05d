// Values of routes that need no compiling, only a look: numbers, cookies, answers.
import { WeftError } from '../errors/index.ts';
import { FIELD, TOKEN } from '../http/index.ts';
import type { Respond, StickySession } from '../model/index.ts';
import type { RouteWords } from './compiled-route.ts';

/** Nothing in a policy is meant to last longer; timers of a hundred years are beyond what they can count. */
const longestMs = 100 * 365 * 86_400_000;

/**
 * Throws a WeftError for times, shares and counts that are no numbers to work with: what JSON would turn into null is among them.
 */
export function checkNumbers(words: RouteWords): void {
  const { timeoutMs, idleTimeoutMs, retry = {}, fault, mirrors = [], choices, responseClasses = [] } = words;
  checkTime('timeout', timeoutMs);
  checkTime('idle timeout', idleTimeoutMs);
  checkTime('per-try timeout', retry.perTryTimeoutMs);
  checkTime('backoff', retry.backoffBaseMs);
  checkTime('longest backoff', retry.backoffMaxMs);
  checkTime('shortest backoff', retry.backoffMinMs);
  checkTime('hedging delay', retry.hedgeAfterMs);
  checkRange('number of retries', retry.attempts, 0, 0xffff_ffff);
  for (const status of retry.statuses ?? []) checkRange('status to retry', status, 100, 599);
  checkTime('delay', fault?.delay?.ms);
  checkRange('share of delays', fault?.delay?.percent, 0, 100);
  checkRange('share of aborts', fault?.abort?.percent, 0, 100);
  checkStatus('abort', fault?.abort?.status);
  const copies = [...mirrors, ...choices.flatMap(each => each.mirrors ?? [])];
  for (const { percent } of copies) checkRange('share of mirrored requests', percent, 0, 100);
  for (const { weight } of choices) checkRange('weight', weight, 0, Number.MAX_SAFE_INTEGER);
  for (const { min, max } of responseClasses) {
    checkRange('status', min, 0, 999);
    checkRange('status', max, 0, 999);
  }
  for (const { status, enabledPercent, enforcedPercent, bucket } of words.rateLimits ?? []) {
    checkStatus('rate limit', status);
    checkRange('share of limited requests', enabledPercent, 0, 100);
    checkRange('share of enforced limits', enforcedPercent, 0, 100);
    checkTime('fill interval', bucket.fillIntervalMs);
    checkRange('size of a token bucket', bucket.maxTokens, 0, Number.MAX_SAFE_INTEGER);
    checkRange('number of tokens of a fill', bucket.perFill, 0, Number.MAX_SAFE_INTEGER);
  }
}

/** Throws a WeftError for an answer that is none. */
export function checkReply({ status, contentType }: Respond): void {
  checkStatus('answer', status);
  if (!isField(contentType)) throw badValue(`'${contentType}' is no content type`);
}

/** The cookie's name as bytes. Throws a WeftError for a cookie that no browser would take, or that would end its header. */
export function checkSession({ cookie, path, ttlSeconds }: StickySession): Buffer {
  const name = Buffer.from(cookie, 'utf8');
  if (cookie === '' || !name.every(code => TOKEN[code] === 1))
    throw badValue(`'${cookie}' is no name of a cookie; use letters, digits, - and _`);
  if (!isField(path) || path.includes(';')) throw badValue(`'${path}' is no path of a cookie`);
  checkTime('lifetime of a cookie', ttlSeconds * 1000);
  return name;
}

/** Whether the text can stand in a header's value. */
export function isField(text: string): boolean {
  return Buffer.from(text, 'utf8').every(code => FIELD[code] === 1);
}

/** `ms`: milliseconds. */
function checkTime(what: string, ms: number | undefined): void {
  if (ms === undefined || (ms >= 0 && ms <= longestMs)) return;
  throw badValue(`a ${what} of ${ms} ms is no time to work with; it may be 0 to 100 years`);
}

function checkRange(what: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || (value >= min && value <= max)) return;
  throw badValue(`${value} is no ${what}; it may be ${min} to ${max}`);
}

function checkStatus(what: string, status: number | undefined): void {
  if (status === undefined || (Number.isInteger(status) && status >= 200 && status <= 599)) return;
  throw badValue(`${status} is no status for an answer (${what}); it may be 200 to 599`);
}

function badValue(words: string): WeftError {
  return new WeftError('bad-route-value', words, { source: 'config' });
}
