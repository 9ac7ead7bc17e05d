// The readers of what a stranger sends first, each behind one shape, and what must hold of all of them.
import { LineReader } from '../../../src/discovery/line-reader.ts';
import { readProxyMessage } from '../../../src/discovery/proxy-message.ts';
import { WeftError } from '../../../src/errors/index.ts';
import { MAX_PREFACE_BYTES, readPreface } from '../../../src/proxy/connect/preface.ts';
import { sniff } from '../../../src/proxy/detection/sniff.ts';
import { readClientHello } from '../../../src/tls/index.ts';
import { runLlhttp } from '../llhttp.ts';
import type { Random } from '../random.ts';
import { discoveryLines, hello, leading, preface } from './generate.ts';

/** A reader of untrusted bytes. */
export interface Reader {
  readonly name: string;
  /** Bytes to try. */
  generate(random: Random): Buffer;
  /** What it makes of a connection whose bytes come in these pieces, as text; '' while it has not decided. */
  read(pieces: readonly Buffer[]): string;
  /** It must have decided after so many bytes. */
  readonly mostBytes: number;
  /** What else must hold; why it does not. */
  judge?(bytes: Buffer, reading: string): string | undefined;
}

const principal = 'spiffe://cluster.local/ns/shop/sa/web';
const maxLineBytes = 64 * 1024;

/** Bytes of which the first that decide are all that count. */
function untilDecided(decide: (bytes: Buffer) => string): Reader['read'] {
  return pieces => {
    let bytes = Buffer.alloc(0);
    for (const piece of pieces) {
      bytes = Buffer.concat([bytes, piece]);
      const reading = decide(bytes);
      if (reading !== '') return reading;
    }
    return '';
  };
}

export const READERS: readonly Reader[] = [
  {
    name: 'hello',
    generate: hello,
    mostBytes: 64 * 1024,
    read: untilDecided(bytes => {
      const found = readClientHello(bytes);
      return found.kind === 'more' ? '' : JSON.stringify(found);
    }),
  },
  {
    name: 'preface',
    generate: preface,
    mostBytes: MAX_PREFACE_BYTES + 1,
    read: untilDecided(bytes => {
      const found = readPreface(bytes, principal);
      return found.kind === 'more' ? '' : JSON.stringify(found);
    }),
    judge: (bytes, reading) => judgePreface(bytes, reading),
  },
  {
    name: 'discovery',
    generate: discoveryLines,
    mostBytes: Number.POSITIVE_INFINITY,
    read: readLines,
    judge: (bytes, reading) =>
      bytes.length > maxLineBytes && !bytes.includes(0x0a) && !reading.endsWith('too long')
        ? 'a line without end is not refused'
        : undefined,
  },
  {
    name: 'leading',
    generate: leading,
    mostBytes: 96 * 1024,
    read: untilDecided(bytes => {
      const kind = sniff(bytes);
      return kind === 'more' ? '' : kind;
    }),
    judge: judgeLeading,
  },
];

function readLines(pieces: readonly Buffer[]): string {
  const reader = new LineReader(maxLineBytes);
  const read: string[] = [];
  for (const piece of pieces) {
    const goesOn = reader.push(piece, line => {
      const message = readProxyMessage(line);
      read.push(message instanceof WeftError ? message.code : (message?.type ?? 'later'));
      return !(message instanceof WeftError);
    });
    if (!goesOn) return [...read, read.at(-1) === 'message-malformed' ? 'over' : 'too long'].join(' ');
  }
  return read.join(' ');
}

/** What goes on from a preface has no line of its own in it, is as long as it may be, and the certificate names the caller. */
function judgePreface(bytes: Buffer, reading: string): string | undefined {
  const found = reading === '' ? undefined : (JSON.parse(reading) as ReturnType<typeof readPreface>);
  if (found?.kind !== 'preface') return undefined;
  const { port, source, address } = found.preface;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return `it names port ${port}`;
  if (found.end > bytes.length || bytes[found.end - 1] !== 0x0a)
    return `it ends at ${found.end}, within a line`;
  if (source.namespace !== 'shop' || source.principal !== principal) return 'the caller says who it is';
  if (!/^[\da-f:.]*$/i.test(address)) return `its address is ${JSON.stringify(address)}`;
  const long = Object.values(source).find(value => value.length > 253);
  return long === undefined ? undefined : `a name has ${long.length} characters`;
}

/**
 * RTSP and ICE, which llhttp reads as HTTP for the sake of set-top boxes, with methods that a web server has no other use for.
 */
const setTopBox = /^[^\n]*[ \t](?:RTSP|ICE)\/\d\.\d[ \t\r]*\n/;

/**
 * What an HTTP server of Node reads as a request must not travel as opaque bytes: no rule would see it, nor the headers it has.
 */
function judgeLeading(bytes: Buffer, reading: string): string | undefined {
  if (reading !== 'tcp') return undefined;
  const { messages } = runLlhttp({ kind: 'request', bytes: '', toHead: [] }, bytes);
  const start = messages[0]?.start;
  if (start === undefined || setTopBox.test(bytes.toString('latin1').trimStart())) return undefined;
  return `it is passed on as opaque bytes, and llhttp reads ${JSON.stringify(start.slice(0, 80))}`;
}

/** Why something that must hold of `reader` does not for these bytes, cut at random; undefined when all of it does. */
export function problemOf(reader: Reader, bytes: Buffer, random: Random): string | undefined {
  try {
    const whole = reader.read([bytes]);
    const pieces = cut(bytes, random);
    const reading = reader.read(pieces);
    if (reading !== whole) {
      const sizes = pieces.map(({ length }) => length).slice(0, 20);
      return `in pieces of ${sizes.join(', ')} it is ${clip(reading)}, at once ${clip(whole)}`;
    }
    if (whole === '' && bytes.length > reader.mostBytes) return `undecided after ${bytes.length} bytes`;
    return reader.judge?.(bytes, whole);
  } catch (thrown) {
    return `throws ${thrown instanceof Error ? thrown.stack : String(thrown)}`;
  }
}

function clip(reading: string): string {
  return reading === '' ? 'undecided' : reading.slice(0, 120);
}

function cut(bytes: Buffer, random: Random): Buffer[] {
  const most = random.pick([1, 7, 200, 5000]);
  // Long ones in single bytes would be read again and again.
  const least = Math.ceil(bytes.length / 200);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = Math.max(least, 1 + random.int(most));
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}
