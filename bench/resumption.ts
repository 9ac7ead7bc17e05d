// What a mutual TLS handshake between two proxies costs, whole and resumed: CPU of both sides together, and time over loopback,
// by node:tls with contexts like the mesh's but for tickets, which those never give (docs/decisions/resumption.md).
//   node bench/resumption.ts [handshakes of each kind, 1000]
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { type BenchIdentity, createIdentities } from './identities.ts';

const count = Number(process.argv[2] ?? 1000);
const rounds = 5;
const folder = mkdtempSync(join(tmpdir(), 'weft-resumption-'));
const { roots, client, server } = createIdentities(folder);
rmSync(folder, { recursive: true });

function credentials({ keyPem, chainPem }: BenchIdentity) {
  return { key: keyPem, cert: chainPem, ca: [...roots], minVersion: 'TLSv1.3' as const };
}
const secureContext = createSecureContext(credentials(client));
const listener = createServer(
  { ...credentials(server), requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['weft/h1'] },
  socket => {
    socket.on('error', () => {});
    socket.write('x');
  },
);
await once(listener.listen(0, '127.0.0.1'), 'listening');
const { port } = listener.address() as AddressInfo;

let ticket: Buffer | undefined;
/**
 * One connection to its first byte of the other side; with `resume`, from the last ticket. Both sides' certificates are verified.
 */
async function handshake(resume: boolean): Promise<void> {
  const socket: TLSSocket = connect({
    ...{ host: '127.0.0.1', port, secureContext, ALPNProtocols: ['weft/h1'] },
    checkServerIdentity: () => undefined,
    ...(resume && ticket && { session: ticket }),
  });
  socket.on('session', session => {
    ticket = session;
  });
  await once(socket, 'data');
  if (resume !== socket.isSessionReused()) throw new Error(`resumed: ${socket.isSessionReused()}`);
  socket.destroy();
}

const figures = { whole: [] as number[][], resumed: [] as number[][] };
for (let round = 0; round <= rounds; round++) {
  for (const kind of ['whole', 'resumed'] as const) {
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    for (let i = 0; i < count; i++) await handshake(kind === 'resumed');
    const { user, system } = process.cpuUsage(cpu);
    // The first round is for the compiler.
    if (round > 0)
      figures[kind].push([(user + system) / count, ((performance.now() - startedMs) * 1000) / count]);
  }
}
listener.close();
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
for (const [kind, all] of Object.entries(figures)) {
  const [cpu, time] = [0, 1].map(index => Math.round(median(all.map(each => each[index]!))));
  console.log(
    `${kind}: ${cpu} µs of CPU, ${time} µs one after the other (median of ${rounds} rounds of ${count})`,
  );
}

// What would be due for each resumed connection on each side besides: the other's chain looked at again.
const pems = server.chainPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
const chain = [...pems, ...roots].map(pem => new X509Certificate(pem));
const cpu = process.cpuUsage();
for (let i = 0; i < count * rounds; i++) {
  for (const [at, certificate] of chain.slice(0, -1).entries())
    if (!certificate.verify(chain[at + 1]!.publicKey)) throw new Error('the chain does not hold');
}
const { user, system } = process.cpuUsage(cpu);
const each = Math.round((user + system) / count / rounds);
console.log(`signatures of a chain of ${chain.length - 1} below the root: ${each} µs of CPU`);
