// Clients with a TLS handshake (1.3) for each request: they connect, ask for one answer, and come again. What was not the kind of
// handshake that was asked for counts as an error.
//   node bench/load/handshakes.ts --port 9000 --seconds 2 [--connections 8] [--resume] [--group X25519]
// `--resume`: each with a ticket of the connection before, which is used once (RFC 8446 appendix C.4); where none came, the next
// handshake is a full one. `--group`: for the exchange of keys, so that all servers are asked for the same; Node itself would
// offer X25519MLKEM768, which older OpenSSLs do not know.

import { connect } from 'node:tls';
import { readFlags } from '../flags.ts';
import { percentiles, printResult } from './load-result.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    port: { type: 'string', default: '' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '8' },
    resume: { type: 'boolean', default: false },
    group: { type: 'string', default: 'X25519' },
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
      ...{ host: '127.0.0.1', port: Number(values.port), servername: 'edge.example' },
      ...{ rejectUnauthorized: false, minVersion: 'TLSv1.3', ecdhCurve: values.group },
      ...(session && { session }),
    });
    socket.on('secureConnect', () => {
      resumed = socket.isSessionReused();
      socket.write(request);
    });
    if (values.resume)
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
    ({ ticket } = made);
    if (made.resumed !== values.resume) failed++;
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
