// WebSocket clients that send a message, wait for its echo, and send the next.
//   node bench/load/websocket.ts --port 9000 --seconds 2 [--connections 32] [--bytes 64]
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { readFlags } from '../flags.ts';
import { percentiles, printResult } from './load-result.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    port: { type: 'string', default: '' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '32' },
    bytes: { type: 'string', default: '64' },
  },
});
const bytes = Number(values.bytes);
/** RFC 6455 section 5.2: a final text frame, masked, up to 125 bytes. */
const frame = Buffer.concat([Buffer.from([0x81, 0x80 | bytes]), randomBytes(4 + bytes)]);
const handshake = [
  'GET /echo HTTP/1.1',
  'host: bench',
  'upgrade: websocket',
  'connection: upgrade',
  `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
  'sec-websocket-version: 13',
].join('\r\n');
const latencies = new Float64Array(2_000_000);
let count = 0;
let failed = 0;
const startMs = performance.now();
const endMs = startMs + Number(values.seconds) * 1000;

function client(): Promise<void> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port: Number(values.port), noDelay: true });
    let open = false;
    let head = '';
    let missing = 0;
    let sentMs = 0;
    const send = (): void => {
      sentMs = performance.now();
      if (sentMs >= endMs) {
        socket.destroy();
        return;
      }
      missing = frame.length;
      socket.write(frame);
    };
    socket.on('connect', () => socket.write(`${handshake}\r\n\r\n`));
    socket.on('data', (data: Buffer) => {
      if (!open) {
        head += data.toString('latin1');
        if (!head.includes('\r\n\r\n')) return;
        open = true;
        if (!head.startsWith('HTTP/1.1 101')) {
          failed++;
          socket.destroy();
        } else send();
        return;
      }
      missing -= data.length;
      if (missing > 0) return;
      if (count < latencies.length) latencies[count] = performance.now() - sentMs;
      count++;
      send();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (performance.now() < endMs && open) failed++;
      resolve();
    });
  });
}

await Promise.all(Array.from({ length: Number(values.connections) }, client));
printResult({
  count,
  seconds: (performance.now() - startMs) / 1000,
  ...percentiles(latencies.subarray(0, Math.min(count, latencies.length))),
  errors: failed,
});
