// llhttp as Node ships it, driven directly and strictly: no lenient flag is set.
import { createRequire } from 'node:module';
import type { Case } from './generate.ts';
import type { Message, Outcome } from './outcome.ts';

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Buffer): number | (Error & { code: string; reason: string });
  finish(): (Error & { code: string }) | undefined;
  [callback: number]: unknown;
}
interface ParserClass {
  new (): Parser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnMessageBegin: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
  readonly kLenientNone: number;
}

const require = createRequire(import.meta.url);
// The module is deprecated and has no other home; the warning is not the reader's business.
const { emitWarning } = process;
process.emitWarning = () => {};
const common = require('node:_http_common') as { HTTPParser: ParserClass; methods: string[] };
process.emitWarning = emitWarning;
const { HTTPParser } = common;
const maxHeaderBytes = 1 << 20;

/** The methods that llhttp knows; it refuses every other token. */
export const knownMethods: ReadonlySet<string> = new Set(common.methods);

let messages: Message[] = [];
let current: Message | undefined;
let headers: string[] = [];
let url = '';
let headDone = false;
let ended = false;
let upgraded = false;
let toHead: readonly boolean[] = [];
let finals = 0;
let isResponse = false;
let methodNames: string[] = [];

const parser = new HTTPParser();
parser[HTTPParser.kOnMessageBegin] = () => {
  headers = [];
  url = '';
  headDone = false;
};
parser[HTTPParser.kOnHeaders] = (more: string[], moreUrl: string) => {
  if (headDone) current!.trailers.push(...more);
  else {
    headers.push(...more);
    url += moreUrl;
  }
};
parser[HTTPParser.kOnHeadersComplete] = (
  _major: number,
  _minor: number,
  lines: string[] | undefined,
  method: number,
  target: string | undefined,
  status: number,
  reason: string | undefined,
  upgrade: boolean,
  keepAlive: boolean,
): number => {
  headDone = true;
  ended = !keepAlive;
  upgraded = upgrade;
  const start = isResponse ? `${status} ${reason ?? ''}` : `${methodNames[method]} ${target ?? url}`;
  current = { start, headers: lines ?? headers, body: '', trailers: [], complete: false };
  messages.push(current);
  if (!isResponse || (status < 200 && status !== 101)) return 0;
  return toHead[finals++] ? 1 : 0;
};
parser[HTTPParser.kOnBody] = (bytes: Buffer) => {
  current!.body += bytes.toString('latin1');
};
parser[HTTPParser.kOnMessageComplete] = () => {
  current!.complete = true;
};

/** Numbers of methods are an affair of llhttp's, so they are asked for. */
function probeMethods(): string[] {
  const found: string[] = [];
  for (const name of common.methods) {
    const probe = new HTTPParser();
    probe.initialize(HTTPParser.REQUEST, {}, maxHeaderBytes, HTTPParser.kLenientNone);
    probe[HTTPParser.kOnHeadersComplete] = (_a: number, _b: number, _c: unknown, method: number): number => {
      found[method] = name;
      return 0;
    };
    probe.execute(Buffer.from(`${name} / HTTP/1.1\r\nHost: a\r\n\r\n`));
  }
  return found;
}

/** What llhttp makes of the whole stream, given at once. */
export function runLlhttp({ kind, toHead: heads }: Case, bytes: Buffer): Outcome {
  if (methodNames.length === 0) methodNames = probeMethods();
  messages = [];
  current = undefined;
  upgraded = false;
  ended = false;
  toHead = heads;
  finals = 0;
  isResponse = kind === 'response';
  const type = isResponse ? HTTPParser.RESPONSE : HTTPParser.REQUEST;
  parser.initialize(type, {}, maxHeaderBytes, HTTPParser.kLenientNone);
  const result = bytes.length === 0 ? 0 : parser.execute(bytes);
  const outcome: Outcome = { messages, error: undefined, closed: false, tunnel: undefined };
  const whole = messages.at(-1)?.complete === true;
  if (typeof result !== 'number') {
    outcome.closed = result.code === 'HPE_CLOSED_CONNECTION';
    if (!outcome.closed) outcome.error = `${result.code}: ${result.reason}`;
  } else if (whole && upgraded) outcome.tunnel = bytes.toString('latin1', result);
  else if (whole && ended) outcome.closed = true;
  // Answers without framing end with the connection.
  else if (isResponse && messages.length > 0 && !whole) parser.finish();
  return outcome;
}
