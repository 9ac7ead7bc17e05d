// The rules: what a strict llhttp refuses, Weft never accepts; where both accept, they see the same messages; and how bytes
// are cut into reads changes nothing.
import type { Case } from './generate.ts';
import { knownMethods, runLlhttp } from './llhttp.ts';
import { type Message, type Outcome, sameList } from './outcome.ts';
import { runExchange, runRequests, runResponses } from './weft.ts';

/** What is wrong with one message as both saw it, or undefined. `broken`: Weft refused its body, so it may be shorter. */
function messageDifference(ours: Message, theirs: Message, broken: boolean): string | undefined {
  if (ours.start !== withoutFragment(theirs.start)) return `start line: ${ours.start} | ${theirs.start}`;
  if (!sameList(ours.headers, theirs.headers)) return `headers: ${ours.headers} | ${theirs.headers}`;
  // A refusal may come earlier than llhttp's, not later.
  if (broken) return theirs.body.startsWith(ours.body) ? undefined : 'weft takes more of the body';
  if (ours.body !== theirs.body) return `body: ${ours.body.length} | ${theirs.body.length} bytes`;
  if (ours.complete !== theirs.complete) return `complete: ${ours.complete} | ${theirs.complete}`;
  if (ours.complete && !sameList(ours.trailers, theirs.trailers))
    return `trailers: ${ours.trailers} | ${theirs.trailers}`;
  return undefined;
}

/** Weft cuts off a fragment behind a path; what goes on has none. */
function withoutFragment(start: string): string {
  return start.replace(/^(\S+ \/[^#]*)#.*$/s, '$1');
}

/** A 1xx answer ends at its empty line (RFC 9112 section 6.3), and what it says of a body does not go on; llhttp reads one. */
function isFramedInformational({ start, headers }: Message): boolean {
  return (
    /^1\d\d /.test(start) &&
    headers.some((name, i) => i % 2 === 0 && /^(content-length|transfer-encoding)$/i.test(name))
  );
}

/**
 * What Weft mends before it goes on, so that nobody behind it reads it in another way: see docs/http1.md, differences from
 * llhttp.
 */
function isMended({ bytes }: Case, error: string): boolean {
  return error.startsWith('HPE_INVALID_VERSION') && /HTTP\/1\.[2-9]/.test(bytes);
}

/** Before a colon, and behind the size of a chunk. */
const blanks = /(\n[!#-9;-~]+)[ \t]+(?=:)|(\n[0-9A-Fa-f]+)[ \t]+(?=\r\n)/g;

/**
 * An answer with blanks between names and colons, or behind sizes of chunks, is compared as it goes on, without them, in Weft and
 * in llhttp; `one` has them and must mean the same to Weft. Undefined where it does.
 */
function blankDifference(one: Case, bytes: Buffer): string | undefined {
  const without = Buffer.from(one.bytes.replace(blanks, '$1$2'), 'latin1');
  const mended = read(one, [without], false);
  const against = disagreement(mended, runLlhttp(one, without), one);
  if (against !== undefined && (mended.error !== undefined || read(one, [without], true).error === undefined))
    return `without blanks: ${against}`;
  const ours = read(one, [bytes], false);
  const [first, second] = [ours.messages[0], mended.messages[0]];
  // Later ones may have had their blanks in a body.
  if (first === undefined || second === undefined || sameList(first.headers, second.headers))
    return undefined;
  return `blanks make a difference: ${first.headers} | ${second.headers}`;
}

/**
 * Why Weft may go on where llhttp does not, after `messages` that both saw:
 * - llhttp knows a list of methods, HTTP has an open set of tokens;
 * - this llhttp refuses bytes above 0x7f in a path, which other servers take, and in a fragment, which Weft cuts off;
 * - llhttp minds what a 1xx answer says of a body, which Weft takes out;
 * - llhttp leaves HTTP for any Upgrade that Connection names, Weft not for h2c;
 * - llhttp takes `Connection: close` in a 1xx answer for the end, before the answer that is still to come.
 */
function excused(next: Message | undefined, theirs: Outcome): boolean {
  if (next !== undefined && theirs.error?.startsWith('HPE_INVALID_METHOD'))
    return !knownMethods.has(next.start.slice(0, next.start.indexOf(' ')));
  if (next !== undefined && theirs.error?.includes('url fragment')) return true;
  if (next !== undefined && theirs.error?.startsWith('HPE_INVALID_URL'))
    return /^\S+ \/.*[\x80-\xfe]/s.test(next.start);
  if (
    next !== undefined &&
    /^HPE_(INVALID|UNEXPECTED)_(CONTENT_LENGTH|TRANSFER_ENCODING)/.test(theirs.error ?? '')
  )
    return /^1\d\d /.test(next.start);
  const last = theirs.messages.at(-1);
  if (last === undefined) return false;
  return theirs.tunnel === undefined ? theirs.closed && /^1\d\d /.test(last.start) : offersH2c(last);
}

function offersH2c(message: Message): boolean {
  return message.headers.some(
    (text, i) =>
      i % 2 === 1 && message.headers[i - 1]!.toLowerCase() === 'upgrade' && /(^|,)\s*h2c\s*(,|$)/i.test(text),
  );
}

/** How Weft's reading breaks the rule against llhttp's; undefined when it does not. */
export function disagreement(ours: Outcome, theirs: Outcome, one: Case): string | undefined {
  if (theirs.error !== undefined && isMended(one, theirs.error)) return undefined;
  for (const [i, mine] of ours.messages.entries()) {
    const other = theirs.messages[i];
    if (other !== undefined && isFramedInformational(other)) return undefined;
    const isLast = i === ours.messages.length - 1;
    if (other === undefined) {
      if (excused(mine, theirs)) return undefined;
      return `weft accepts message ${i + 1} (${mine.start}), llhttp does not: ${theirs.error ?? stopOf(theirs)}`;
    }
    const difference = messageDifference(mine, other, isLast && ours.error !== undefined && !mine.complete);
    if (difference !== undefined) return `message ${i + 1}, weft | llhttp: ${difference}`;
  }
  if (ours.error !== undefined || ours.closed) return undefined;
  if (excused(undefined, theirs)) return undefined;
  if (ours.tunnel !== theirs.tunnel) return `tunnel, weft | llhttp: ${ours.tunnel} | ${theirs.tunnel}`;
  if (theirs.error !== undefined) return `weft does not refuse, llhttp does: ${theirs.error}`;
  const more = theirs.messages[ours.messages.length];
  return more === undefined
    ? undefined
    : `weft does not see message ${ours.messages.length + 1} (${more.start})`;
}

function stopOf(outcome: Outcome): string {
  if (outcome.tunnel !== undefined) return 'it left HTTP';
  return outcome.closed ? 'it took the connection for closed' : 'it waits for more';
}

/** How two readings of the same bytes in different pieces differ; undefined when they do not. */
export function splitDifference(whole: Outcome, split: Outcome): string | undefined {
  const a = JSON.stringify(whole);
  const b = JSON.stringify(split);
  return a === b ? undefined : `whole | in pieces: ${a} | ${b}`;
}

/** The first exchange of a stream of answers, with the bytes of a tunnel as its body. */
function firstExchange(outcome: Outcome): Message[] {
  const final = outcome.messages.findIndex(message => !/^1(?!01)/.test(message.start));
  const messages = outcome.messages.slice(0, final < 0 ? undefined : final + 1);
  const last = messages.at(-1);
  if (last?.start.startsWith('101 ')) messages[messages.length - 1] = { ...last, body: outcome.tunnel ?? '' };
  return messages;
}

/** As client-connection.ts has it. */
const maxInformational = 32;

function copies(pieces: readonly Buffer[]): Buffer[] {
  return pieces.map(each => Buffer.from(each));
}

/** Of copies: blanks before colons are taken out where they lie. */
function read(one: Case, pieces: readonly Buffer[], decide: boolean): Outcome {
  const own = copies(pieces);
  return one.kind === 'request' ? runRequests(own, decide) : runResponses(one, own, decide);
}

/** Runs one case through everything; the problem in words, or undefined. `pieces` are the case's bytes, cut. */
export function problemOf(one: Case, pieces: readonly Buffer[]): string | undefined {
  const bytes = Buffer.from(one.bytes, 'latin1');
  const whole = bytes.length === 0 ? [] : [bytes];
  const ours = read(one, whole, false);
  const hasBlanks = one.kind === 'response' && one.bytes.search(blanks) >= 0;
  const against = hasBlanks ? undefined : disagreement(ours, runLlhttp(one, bytes), one);
  if (one.valid && (ours.error !== undefined || ours.messages.length !== 2))
    return `weft refuses what is plainly valid: ${ours.error}`;
  // What waits for the rest of a head, or of trailers, has accepted nothing yet.
  if (against !== undefined && (ours.error !== undefined || read(one, whole, true).error === undefined))
    return against;
  let split = read(one, pieces, false);
  // A head that arrives in pieces may be refused later, but not in another way.
  if (ours.error !== undefined && split.error === undefined) split = read(one, pieces, true);
  const difference = splitDifference(ours, split) ?? (hasBlanks ? blankDifference(one, bytes) : undefined);
  if (difference !== undefined || one.kind === 'request') return difference;
  const exchange = runExchange(one, copies(pieces));
  const expected = firstExchange(ours);
  // The connection gives an upstream up that sends too many of them; the readers do not count.
  if (
    exchange.length === maxInformational &&
    expected.length > maxInformational &&
    isInformationalOnly(exchange)
  )
    return undefined;
  const a = JSON.stringify(exchange);
  const b = JSON.stringify(expected);
  return a === b ? undefined : `connection | readers: ${a} | ${b}`;
}

function isInformationalOnly(messages: readonly Message[]): boolean {
  return messages.every(message => /^1(?!01)/.test(message.start));
}
