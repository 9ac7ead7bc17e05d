// Connections of frames, most of them right, through the server: once in one piece, once in pieces. Handlers hear the same, each
// of them a beginning and one end; what is answered is frames that a client can read.
import type { Fields, Head, LocalReply, ServerStream, ServerStreamHandler } from '../../../src/http/index.ts';
import { MemoryPeer } from '../../../src/http1/testing/memory-wire.ts';
import { FLAGS, FRAME } from '../../../src/http2/frames.ts';
import { EDGE_LIMITS, type Fault, ServerConnection } from '../../../src/http2/index.ts';
import { bareOptions, refusal } from '../../../src/http2/testing/bare-server.ts';
import {
  block,
  data,
  FrameLog,
  frame,
  GET,
  HELLO,
  headers,
  number,
  POST,
  settings,
} from '../../../src/http2/testing/frames.ts';
import { respondOk } from '../../../src/http2/testing/recording-server.ts';
import { FakeClock, TimerWheel } from '../../../src/time/index.ts';
import type { Random } from '../random.ts';

const clock = new FakeClock();
const timers = new TimerWheel(clock);
const options = bareOptions({ clock, timers, limits: { ...EDGE_LIMITS, streamWindow: 70_000 } });
const odd: readonly (readonly [string, string])[] = [
  ['content-length', '3'],
  ['cookie', 'a=b'],
  ['x', 'a\nb'],
  ['host', 'test'],
  [':path', '/b'],
  ['te', 'trailers'],
  ['connection', 'x'],
  ['x-a', 'y'.repeat(100)],
];

/** Writes down what handlers hear. */
class Events {
  readonly words: string[] = [];
  wrong = '';

  accept(stream: ServerStream): ServerStreamHandler {
    const events = this;
    let open = false;
    let name = '';
    let bytes = 0;
    return {
      onRequest(head: Head, end: boolean): void {
        if (open) events.wrong = 'a request begins before the one before it has ended';
        open = !end;
        name = head.targetText;
        bytes = 0;
        events.words.push(`${head.methodText} ${name} ${head.count} ${end}`);
        if (end) respondOk(stream);
      },
      onRequestData(_: Buffer, start: number, end: number): void {
        if (!open) events.wrong = 'DATA after the end';
        bytes += end - start;
      },
      onRequestEnd(trailers: Fields | undefined): void {
        if (!open) events.wrong = 'a second end';
        open = false;
        events.words.push(`end ${trailers?.count ?? 0} ${bytes}`);
        respondOk(stream);
      },
      onRequestAbort(flag: string): void {
        open = false;
        events.words.push(`abort ${flag}`);
      },
      onResponseWritable(): void {},
    };
  }

  onMalformed(fault: Fault): LocalReply {
    this.words.push(`fault ${fault.code}`);
    return refusal(fault);
  }

  onConnectionClosed(): void {
    this.words.push('closed');
  }
}

/** One case: a connection. Words where something is wrong. */
export function framesCase(random: Random): string | undefined {
  const bytes = connectionOf(random);
  const whole = run(bytes, () => bytes.length);
  const pieces = run(bytes, () => 1 + random.int(random.int(3) === 0 ? 12 : 400));
  const wrong = whole.wrong || pieces.wrong;
  if (wrong !== '') return `${wrong}: ${bytes.toString('hex')}`;
  if (whole.words.join('\n') !== pieces.words.join('\n'))
    return `${whole.words.join(', ')}\nin pieces ${pieces.words.join(', ')}: ${bytes.toString('hex')}`;
  return undefined;
}

/** What our server says to these bytes, as words. */
export function answersTo(bytes: Buffer): readonly string[] {
  const peer = new MemoryPeer();
  const connection = new ServerConnection(peer.wire, options);
  connection.start(new Events(), undefined);
  peer.send(bytes);
  const said = new FrameLog().words(peer.received);
  connection.wire.destroy();
  return said;
}

function run(bytes: Buffer, length: () => number): Events {
  const events = new Events();
  const peer = new MemoryPeer();
  const connection = new ServerConnection(peer.wire, options);
  connection.start(events, undefined);
  for (let at = 0; at < bytes.length; ) {
    const to = at + length();
    peer.send(bytes.subarray(at, to));
    at = to;
  }
  const { flow } = connection;
  if (flow.heldBytes !== 0) events.wrong = `${flow.heldBytes} bytes are held and nobody has paused`;
  const log = new FrameLog();
  const said = log.words(peer.received);
  const goaway = said.filter(each => each.startsWith('GOAWAY')).at(-1);
  if (goaway !== undefined) events.words.push(goaway);
  connection.wire.destroy();
  for (const stream of connection.streams.list()) events.wrong = `stream ${stream.id} is left behind`;
  return events;
}

/** What a client sends on a connection that is mostly right. */
export function connectionOf(random: Random): Buffer {
  const frames: Buffer[] = [HELLO];
  let id = 1;
  for (let n = random.int(12); n >= 0; n--) {
    frames.push(oneFrame(random, id));
    if (random.int(2) === 0) id += 2;
  }
  const bytes = Buffer.concat(frames);
  if (random.int(4) === 0) bytes[24 + random.int(bytes.length - 24)] = random.int(256);
  return bytes;
}

function oneFrame(random: Random, id: number): Buffer {
  const stream = random.int(6) === 0 ? random.int(id + 3) : id;
  switch (random.int(12)) {
    case 0:
    case 1:
    case 2:
      return headers(stream, fieldsOf(random), random.int(2) === 0);
    case 3:
      return Buffer.concat([headers(stream, POST, false), data(stream, 'abc', true)]);
    case 4:
      return data(stream, 'x'.repeat(random.int(random.int(5) === 0 ? 9000 : 9)), random.int(2) === 0);
    case 5:
      return frame(FRAME.DATA, FLAGS.PADDED | random.int(2), stream, Buffer.from([random.int(5), 1, 2, 3]));
    case 6:
      return frame(FRAME.RST_STREAM, 0, stream, number(random.int(15)));
    case 7:
      return frame(
        FRAME.WINDOW_UPDATE,
        0,
        random.int(2) * stream,
        number(random.int(4) === 0 ? 2 ** 31 - 1 : random.int(9)),
      );
    case 8:
      return settings([1 + random.int(8), random.int(3) === 0 ? 2 ** 31 : random.int(70_000)]);
    case 9: {
      const bytes = block(fieldsOf(random));
      const cut = random.int(bytes.length);
      return Buffer.concat([
        frame(FRAME.HEADERS, random.int(2), stream, bytes.subarray(0, cut)),
        frame(FRAME.CONTINUATION, random.int(8) === 0 ? 0 : FLAGS.END_HEADERS, stream, bytes.subarray(cut)),
      ]);
    }
    case 10:
      return frame(random.int(12), random.int(256), stream, Buffer.alloc(random.int(12), random.int(256)));
    default:
      return frame(FRAME.PING, random.int(2), 0, Buffer.alloc(8));
  }
}

function fieldsOf(random: Random): (readonly [string, string])[] {
  const fields = [...(random.int(2) === 0 ? GET : POST)];
  if (random.int(8) === 0) fields.splice(random.int(4), 1);
  for (let n = random.int(4); n > 0; n--) fields.push(odd[random.int(odd.length)]!);
  return fields;
}
