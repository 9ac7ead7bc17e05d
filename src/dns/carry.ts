// One question to one server and its answer, as bytes: who asks judges what they say.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { errorMessage } from '../errors/index.ts';
import { type HostPort, isIpv6 } from '../model/index.ts';

/** The answer as it came, or why there is none. */
export type Carried = Buffer | string;

/** Identity, flags, and four counts. */
export const HEADER_BYTES = 12;

/** The query's answer by UDP, truncated as it may be. Queries have at least a header, whose identity nobody can guess. */
export function overUdp({ host, port }: HostPort, query: Buffer, timeoutMs: number): Promise<Carried> {
  return new Promise(resolve => {
    const socket = createSocket(isIpv6(host) ? 'udp6' : 'udp4');
    let over = false;
    const done = (result: Carried): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      socket.close();
      resolve(result);
    };
    const timer = setTimeout(() => done(`no answer within ${timeoutMs} ms`), timeoutMs);
    socket.on('error', error => done(errorMessage(error)));
    socket.on('message', message => {
      // Anything may arrive at a port: only the answer to this question counts.
      if (answers(message, query)) done(message);
    });
    // Connected, so that only the server's datagrams arrive, and that a server that is not there is noticed at once.
    socket.connect(port, host, () => {
      if (!over) socket.send(query);
    });
  });
}

/** The same by TCP. */
export function overTcp({ host, port }: HostPort, query: Buffer, timeoutMs: number): Promise<Carried> {
  return new Promise(resolve => {
    const socket = connect({ host, port });
    let pending = Buffer.alloc(0);
    const done = (result: Carried): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => done(`no answer over TCP within ${timeoutMs} ms`), timeoutMs);
    socket.on('error', error => done(errorMessage(error)));
    socket.on('close', () => done('the connection ended without an answer'));
    socket.on('connect', () => socket.write(framed(query)));
    socket.on('data', chunk => {
      pending = Buffer.concat([pending, chunk]);
      if (pending.length < 2 || pending.length < 2 + pending.readUInt16BE(0)) return;
      const message = pending.subarray(2, 2 + pending.readUInt16BE(0));
      done(answers(message, query) ? message : 'the answer over TCP is none to the question');
    });
  });
}

/** A message as TCP has it: RFC 1035 section 4.2.2. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function answers(message: Buffer, query: Buffer): boolean {
  return (
    message.length >= HEADER_BYTES &&
    message.readUInt16BE(0) === query.readUInt16BE(0) &&
    (message[2]! & 0x80) !== 0
  );
}
