// Clients that resume their TLS session (1.3, by ticket), ask for one answer, and come again. A handshake that was not resumed
// counts as an error.
//   node bench/load/resumed.ts --port 9000 --seconds 2 [--connections 8]

import { connect } from 'node:tls';
import { readFlags } from '../flags.ts';
import { percentiles, printResult } from './load-result.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    port: { type: 'string', default: '' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '8' },
  },
});
const request = 'GET / HTTP/1.1\r\nHost: edge.example\r\nConnection: close\r\n\r\n';
const latencies = new Float64Array(1_000_000);
let count = 0;
let failed = 0;
let notOk = 0;
const startMs = performance.now();
const endMs = startMs + Number(values.seconds) * 1000;

interface Once {
  readonly ticket: Buffer | undefined;
  readonly resumed: boolean;
  readonly ok: boolean;
}

function once(session: Buffer | undefined): Promise<Once> {
  return new Promise(resolve => {
    let ticket: Buffer | undefined;
    let resumed = false;
    let answer = '';
    const socket = connect({
      ...{
        host: '127.0.0.1',
        port: Number(values.port),
        servername: 'edge.example',
        rejectUnauthorized: false,
      },
      ...(session && { session }),
    });
    socket.on('secureConnect', () => {
      resumed = socket.isSessionReused();
      socket.write(request);
    });
    socket.on('session', given => {
      ticket = given;
    });
    socket.on('data', chunk => {
      if (answer === '') answer = chunk.toString('latin1', 0, 12);
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve({ ticket, resumed, ok: answer.startsWith('HTTP/1.1 200') }));
  });
}

async function client(): Promise<void> {
  let { ticket } = await once(undefined);
  while (performance.now() < endMs) {
    const beganMs = performance.now();
    const made = await once(ticket);
    ticket = made.ticket ?? ticket;
    if (!made.resumed) failed++;
    if (!made.ok) notOk++;
    if (count < latencies.length) latencies[count] = performance.now() - beganMs;
    count++;
  }
}

await Promise.all(Array.from({ length: Number(values.connections) }, client));
printResult({
  ...{ count, seconds: (performance.now() - startMs) / 1000 },
  ...percentiles(latencies.subarray(0, Math.min(count, latencies.length))),
  ...{ errors: failed, not_ok: notOk },
});
