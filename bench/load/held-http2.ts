// Opens many connections of HTTP/2 and holds them. Each carries one request that is answered; with --streams, so many more follow
// that never end. Prints `open` and ends with its standard input.
//   node bench/load/held-http2.ts --port 9000 --connections 100 --streams 100
import { GET, HELLO, headers, POST, SETTINGS_ACK } from '../../src/http2/testing/frames.ts';
import { readFlags } from '../flags.ts';
import { hold } from './hold.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    port: { type: 'string', default: '' },
    connections: { type: 'string', default: '100' },
    streams: { type: 'string', default: '0' },
  },
});
const streams = Number(values.streams);
const first = Buffer.concat([HELLO, SETTINGS_ACK, headers(1, GET)]);
const more = Buffer.concat(
  Array.from({ length: streams }, (_, index) => headers(3 + 2 * index, POST, false)),
);

/** Whether these bytes, which begin with a frame, have one that ends stream 1. */
function answered(bytes: Buffer): boolean {
  for (let at = 0; at + 9 <= bytes.length; ) {
    const [type, flags] = [bytes[at + 3], bytes[at + 4]!];
    const ends = (type === 0 || type === 1) && (flags & 1) === 1;
    if (ends && bytes.readUInt32BE(at + 5) === 1) return true;
    at += 9 + bytes.readUIntBE(at, 3);
  }
  return false;
}

await hold(Number(values.port), Number(values.connections), (socket, ready) => {
  let heard = Buffer.alloc(0);
  const collect = (bytes: Buffer): void => {
    heard = Buffer.concat([heard, bytes]);
    if (!answered(heard)) return;
    socket.off('data', collect).resume();
    if (streams > 0) socket.write(more);
    ready();
  };
  socket.on('data', collect);
  socket.write(first);
});
