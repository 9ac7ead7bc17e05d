// One request over a connection of HTTP/2 of its own, field for field as a test says, right or wrong.
import { connect } from 'node:net';
import { FLAGS, FRAME } from '../../src/http2/frames.ts';
import { block, FrameLog, frame, HELLO, SETTINGS_ACK } from '../../src/http2/testing/frames.ts';

/** In order; pseudo fields among them. */
export type Http2Fields = readonly (readonly [name: string, value: string])[];

/** What came of it. */
export interface Http2Outcome {
  /** 0: the stream or the connection ended without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Frames are at most so long until a peer says otherwise (RFC 9113 section 4.2). */
const frameBytes = 16_384;

/** Sends it to a port of this machine in plaintext, and waits for the answer's end. */
export function askHttp2(port: number, fields: Http2Fields): Promise<Http2Outcome> {
  const { promise, resolve } = Promise.withResolvers<Http2Outcome>();
  const socket = connect(port, '127.0.0.1');
  const log = new FrameLog();
  let [status, body] = [0, ''];
  const headers: Record<string, string> = {};
  const done = (): void => {
    socket.destroy();
    resolve({ status, headers, body });
  };
  socket.on('data', piece => {
    for (const said of log.words(piece)) {
      const [, kind, end, rest = ''] = /^(HEADERS|DATA) 1( end)? ?([\s\S]*)$/.exec(said) ?? [];
      if (said === 'SETTINGS') socket.write(SETTINGS_ACK);
      if (kind === 'DATA') body += rest;
      if (kind === 'HEADERS')
        for (const field of rest.split(' | ')) {
          const colon = field.indexOf(': ', 1);
          headers[field.slice(0, colon)] = field.slice(colon + 2);
        }
      status = Number(headers[':status'] ?? 0);
      if (end !== undefined || said.startsWith('RST_STREAM 1 ')) return done();
    }
  });
  socket.on('error', () => {});
  socket.on('close', done);
  socket.write(Buffer.concat([HELLO, ...requestFrames(fields)]));
  return promise;
}

function requestFrames(fields: Http2Fields): readonly Buffer[] {
  const whole = block(fields);
  const pieces = Array.from({ length: Math.max(1, Math.ceil(whole.length / frameBytes)) }, (_, i) =>
    whole.subarray(i * frameBytes, (i + 1) * frameBytes),
  );
  return pieces.map((piece, i) => {
    const last = i === pieces.length - 1 ? FLAGS.END_HEADERS : 0;
    return i === 0
      ? frame(FRAME.HEADERS, FLAGS.END_STREAM | last, 1, piece)
      : frame(FRAME.CONTINUATION, last, 1, piece);
  });
}

/**
 * The fields of a request that stands there as bytes of HTTP/1.1; undefined for what HTTP/2 has no such thing of: other bytes, a
 * target with a host of its own, fields of the connection.
 */
export function http2FieldsOf(bytes: string): Http2Fields | undefined {
  const [start = '', ...lines] = bytes.replace(/\r\n\r\n$/, '').split('\r\n');
  const [, method, target] = /^(\S+) (\S*) HTTP\/1\.1$/s.exec(start) ?? [];
  if (method === undefined || target === undefined || /^https?:/.test(target)) return undefined;
  const fields = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
  });
  if (fields.some(([name]) => name === 'connection')) return undefined;
  const authority = fields
    .filter(([name]) => name === 'host')
    .map(([, value]) => [':authority', value] as const);
  const rest = fields.filter(([name]) => name !== 'host');
  return [[':method', method], [':scheme', 'http'], [':path', target], ...authority, ...rest];
}
