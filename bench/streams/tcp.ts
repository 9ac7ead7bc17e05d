// TCP through two proxies: as streams of a connection that is kept, as it is at ports that are declared TCP, and beside it a
// connection of mesh TLS for each, as it is at others. `node bench/streams/tcp.ts [connections]`; `… storm [connections]` opens
// them all at once. CPU and memory are those of both proxies, which share a process.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { DEFAULT_TRAFFIC } from '../../src/model/index.ts';
import { StaticMesh } from '../../src/proxy/testing/static-mesh.ts';

type Asked = { readonly app: number } | { readonly ask: 'cpu' | 'heap' };

const rounds = [1, 2, 3];
const bulkBytes = 64 * 1024 * 1024;
const ways = ['connections', 'streams'] as const;

/** Sends what it gets back; `b` first: sends bulk and ends. */
function echo(socket: Socket): void {
  socket.on('error', () => {});
  socket.once('data', first => {
    if (first[0] !== 0x62) {
      socket.write(first);
      socket.pipe(socket);
      return;
    }
    const piece = Buffer.alloc(64 * 1024);
    let left = bulkBytes;
    const more = (): void => {
      while (left > 0) {
        left -= piece.length;
        if (!socket.write(piece)) return;
      }
      socket.end();
    };
    socket.on('drain', more);
    more();
  });
}

/** Services whose sessions know nothing of each other's sizes. */
const purposes = ['short', 'bulk', 'mixed', 'held'] as const;

function hostOf(way: string, purpose: string, round: number): string {
  return `${purpose}-${round}.${way}:80`;
}

function proxies(): void {
  process.on('message', async (asked: Asked) => {
    if ('ask' in asked) {
      if (asked.ask === 'heap') for (let n = 0; n < 3; n++) globalThis.gc!();
      const { user, system } = process.cpuUsage();
      const { heapUsed, external } = process.memoryUsage();
      process.send!(asked.ask === 'cpu' ? user + system : heapUsed + external);
      return;
    }
    const mesh = new StaticMesh();
    const caller = mesh.proxy('caller');
    const callee = mesh.proxy('callee', { ports: [{ number: asked.app, protocol: 'tcp', mtls: 'strict' }] });
    const limits = { ...DEFAULT_TRAFFIC.limits, maxConnections: 65_536 };
    for (const way of ways)
      for (const purpose of purposes)
        for (const round of rounds)
          mesh.set({
            key: hostOf(way, purpose, round),
            protocol: way === 'streams' ? 'tcp' : 'auto',
            endpoints: [mesh.meshed(callee, asked.app)],
            settings: { limits },
          });
    process.send!(caller.plane.outboundPort);
  });
}

async function told<T>(child: ChildProcess, asked: Asked): Promise<T> {
  child.send(asked);
  const [answer] = (await once(child, 'message')) as [T];
  return answer;
}

async function opened(port: number, host: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  const gone = once(socket, 'close').then(() => Promise.reject(new Error('closed')));
  gone.catch(() => {});
  socket.write(`CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  const [head] = (await Promise.race([once(socket, 'data'), gone])) as [Buffer];
  if (!head.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error(head.toString('latin1'));
  return socket;
}

async function roundTrip(socket: Socket): Promise<number> {
  const startMs = performance.now();
  socket.write('e');
  await once(socket, 'data');
  return performance.now() - startMs;
}

async function bulk(port: number, host: string): Promise<void> {
  const socket = await opened(port, host);
  socket.resume();
  socket.write('b');
  await once(socket, 'end');
}

/** The process of both proxies, and where the caller's listens. */
async function start(): Promise<{ child: ChildProcess; port: number }> {
  const app = createServer(echo).listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(app, 'listening');
  const child = fork(new URL(import.meta.url).pathname, ['proxies'], { execArgv: ['--expose-gc'] });
  const port = await told<number>(child, { app: (app.address() as AddressInfo).port });
  return { child, port };
}

/** So many at once: how many are opened and answered, and when the last of them is. */
async function storm(count: number): Promise<void> {
  for (const way of ways) {
    // Proxies of their own: what one way leaves undone must not be in the way of the other.
    const { child, port } = await start();
    for (const round of rounds) {
      const startMs = performance.now();
      const one = async (): Promise<Socket | undefined> => {
        try {
          const socket = await opened(port, hostOf(way, 'held', round));
          await roundTrip(socket);
          return socket;
        } catch {
          return undefined;
        }
      };
      const all = await Promise.all(Array.from({ length: count }, one));
      const good = all.filter(socket => socket !== undefined);
      for (const socket of good) socket.destroy();
      const seconds = (performance.now() - startMs) / 1000;
      console.log(`${round} ${way}: ${good.length} of ${count} in ${seconds.toFixed(1)} s`);
    }
    child.kill();
  }
  process.exit(0);
}

async function measure(count: number): Promise<void> {
  const { child, port } = await start();
  const cpu = (): Promise<number> => told<number>(child, { ask: 'cpu' });
  for (const round of rounds)
    for (const way of ways) {
      const host = (purpose: (typeof purposes)[number]): string => hostOf(way, purpose, round);
      await roundTrip(await opened(port, host('short')));
      let left = count;
      const worker = async (): Promise<void> => {
        while (left-- > 0) {
          const socket = await opened(port, host('short'));
          await roundTrip(socket);
          socket.end();
        }
      };
      const [cpuBefore, startMs] = [await cpu(), performance.now()];
      await Promise.all(Array.from({ length: 16 }, worker));
      const seconds = (performance.now() - startMs) / 1000;
      const micros = ((await cpu()) - cpuBefore) / count;
      const bulkFrom = [await cpu(), performance.now()] as const;
      await bulk(port, host('bulk'));
      const bulkMs = performance.now() - bulkFrom[1];
      const bulkCpuMs = ((await cpu()) - bulkFrom[0]) / 1000;
      const quiet = await opened(port, host('mixed'));
      const others = [1, 2, 3].map(() => bulk(port, host('mixed')));
      const times: number[] = [];
      let isBusy = true;
      const all = Promise.all(others).then(() => {
        isBusy = false;
      });
      while (isBusy) times.push(await roundTrip(quiet));
      await all;
      quiet.end();
      times.sort((a, b) => a - b);
      const at = (part: number): string => times[Math.floor(times.length * part)]!.toFixed(1);
      const heapBefore = await told<number>(child, { ask: 'heap' });
      const held = await Promise.all(Array.from({ length: count }, () => opened(port, host('held'))));
      const each = ((await told<number>(child, { ask: 'heap' })) - heapBefore) / count / 1024;
      for (const socket of held) socket.destroy();
      console.log(
        `${round} ${way}: ${(count / seconds).toFixed(0)} connections/s, ${micros.toFixed(0)} us and ${each.toFixed(1)} KiB each; ` +
          `bulk ${(bulkBytes / 1048576 / (bulkMs / 1000)).toFixed(0)} MiB/s, ${bulkCpuMs.toFixed(0)} ms of CPU; ` +
          `round trip beside three bulks p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
      );
    }
  child.kill();
  process.exit(0);
}

if (process.argv[2] === 'proxies') proxies();
else if (process.argv[2] === 'storm') await storm(Number(process.argv[3] ?? 2000));
else await measure(Number(process.argv[2] ?? 500));
