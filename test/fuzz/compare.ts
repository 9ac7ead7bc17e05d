// The rules: what a strict llhttp refuses, Weft never accepts; where both accept, they see the same messages; and how bytes
// are cut into reads changes nothing.
import type { Case } from './generate.ts';
import { knownMethods, runLlhttp } from './llhttp.ts';
import { type Message, type Outcome, sameList } from './outcome.ts';
import { runExchange, runRequests, runResponses } from './weft.ts';

/** What is wrong with one message as both saw it, or undefined. `broken`: Weft refused its body, so it may be shorter. */
function messageDifference(ours: Message, theirs: Message, broken: boolean): string | undefined {
  if (ours.start !== theirs.start) return `start line: ${ours.start} | ${theirs.start}`;
  if (!sameList(ours.headers, theirs.headers)) return `headers: ${ours.headers} | ${theirs.headers}`;
  // A refusal may come earlier than llhttp's, not later.
  if (broken) return theirs.body.startsWith(ours.body) ? undefined : 'weft takes more of the body';
  if (ours.body !== theirs.body) return `body: ${ours.body.length} | ${theirs.body.length} bytes`;
  if (ours.complete !== theirs.complete) return `complete: ${ours.complete} | ${theirs.complete}`;
  if (ours.complete && !sameList(ours.trailers, theirs.trailers))
    return `trailers: ${ours.trailers} | ${theirs.trailers}`;
  return undefined;
}

/**
 * Why Weft may go on where llhttp does not, after `messages` that both saw:
 * - llhttp knows a list of methods, HTTP has an open set of tokens;
 * - llhttp leaves HTTP for any Upgrade that Connection names, Weft not for h2c;
 * - llhttp takes `Connection: close` in a 1xx answer for the end, before the answer that is still to come.
 */
function excused(next: Message | undefined, theirs: Outcome): boolean {
  if (next !== undefined && theirs.error?.startsWith('HPE_INVALID_METHOD'))
    return !knownMethods.has(next.start.slice(0, next.start.indexOf(' ')));
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
export function disagreement(ours: Outcome, theirs: Outcome): string | undefined {
  for (const [i, mine] of ours.messages.entries()) {
    const other = theirs.messages[i];
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

function read(one: Case, pieces: readonly Buffer[], decide: boolean): Outcome {
  return one.kind === 'request' ? runRequests(pieces, decide) : runResponses(one, pieces, decide);
}

/** Runs one case through everything; the problem in words, or undefined. `pieces` are the case's bytes, cut. */
export function problemOf(one: Case, pieces: readonly Buffer[]): string | undefined {
  const bytes = Buffer.from(one.bytes, 'latin1');
  const whole = bytes.length === 0 ? [] : [bytes];
  const ours = read(one, whole, false);
  const against = disagreement(ours, runLlhttp(one, bytes));
  if (one.valid && (ours.error !== undefined || ours.messages.length !== 2))
    return `weft refuses what is plainly valid: ${ours.error}`;
  // What waits for the rest of a head, or of trailers, has accepted nothing yet.
  if (against !== undefined && (ours.error !== undefined || read(one, whole, true).error === undefined))
    return against;
  let split = read(one, pieces, false);
  // A head that arrives in pieces may be refused later, but not in another way.
  if (ours.error !== undefined && split.error === undefined) split = read(one, pieces, true);
  const difference = splitDifference(ours, split);
  if (difference !== undefined || one.kind === 'request') return difference;
  const exchange = runExchange(one, pieces);
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
