// TCP through two proxies: a connection of mesh TLS for each, as it is, and beside it streams of one that is kept
// (pooled-tunnel.ts). `node bench/streams/tcp.ts [connections]`. CPU is that of both proxies, which share a process.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { credentialsOf, StaticMesh } from '../../src/proxy/testing/static-mesh.ts';
import { MeshTls } from '../../src/tls/index.ts';
import { pooledTunnel } from './pooled-tunnel.ts';

type Asked = { readonly app: number } | { readonly cpu: true };

const request = 'CONNECT app.shop:80 HTTP/1.1\r\nhost: app.shop:80\r\n\r\n';
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

function proxies(): void {
  process.on('message', async (asked: Asked) => {
    if ('cpu' in asked) {
      const { user, system } = process.cpuUsage();
      process.send!(user + system);
      return;
    }
    const mesh = new StaticMesh();
    const caller = mesh.proxy('caller');
    const callee = mesh.proxy('callee');
    mesh.set({ key: 'app.shop:80', protocol: 'tcp', endpoints: [mesh.meshed(callee, asked.app)] });
    const tls = (name: string): MeshTls => {
      const made = new MeshTls();
      made.update(
        credentialsOf(mesh.ca, { trustDomain: 'cluster.local', namespace: 'default', serviceAccount: name }),
      );
      return made;
    };
    const { principal } = callee;
    const pooled = await pooledTunnel({ tls: tls('caller') }, { tls: tls('callee'), principal }, asked.app);
    process.send!({ connections: caller.plane.outboundPort, streams: pooled });
  });
}

async function told<T>(child: ChildProcess, asked: Asked): Promise<T> {
  child.send(asked);
  const [answer] = (await once(child, 'message')) as [T];
  return answer;
}

async function opened(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  socket.write(request);
  const [head] = (await once(socket, 'data')) as [Buffer];
  if (!head.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error(head.toString('latin1'));
  return socket;
}

async function roundTrip(socket: Socket): Promise<number> {
  const startMs = performance.now();
  socket.write('e');
  await once(socket, 'data');
  return performance.now() - startMs;
}

async function bulk(port: number): Promise<void> {
  const socket = await opened(port);
  socket.resume();
  socket.write('b');
  await once(socket, 'end');
}

async function measure(count: number): Promise<void> {
  const app = createServer(echo).listen(0, '127.0.0.1');
  await once(app, 'listening');
  const child = fork(new URL(import.meta.url).pathname, ['proxies']);
  const ports = await told<Record<(typeof ways)[number], number>>(child, {
    app: (app.address() as AddressInfo).port,
  });
  const cpu = (): Promise<number> => told<number>(child, { cpu: true });
  for (const round of [1, 2, 3])
    for (const way of ways) {
      const port = ports[way];
      let left = count;
      const worker = async (): Promise<void> => {
        while (left-- > 0) {
          const socket = await opened(port);
          await roundTrip(socket);
          socket.end();
        }
      };
      const [cpuBefore, startMs] = [await cpu(), performance.now()];
      await Promise.all(Array.from({ length: 16 }, worker));
      const seconds = (performance.now() - startMs) / 1000;
      const micros = ((await cpu()) - cpuBefore) / count;
      const bulkFrom = [await cpu(), performance.now()] as const;
      await bulk(port);
      const bulkMs = performance.now() - bulkFrom[1];
      const bulkCpuMs = ((await cpu()) - bulkFrom[0]) / 1000;
      const others = [bulk(port), bulk(port), bulk(port)];
      const quiet = await opened(port);
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
      console.log(
        `${round} ${way}: ${(count / seconds).toFixed(0)} connections/s, ${micros.toFixed(0)} us each; ` +
          `bulk ${(bulkBytes / 1048576 / (bulkMs / 1000)).toFixed(0)} MiB/s, ${bulkCpuMs.toFixed(0)} ms of CPU; ` +
          `round trip beside three bulks p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
      );
    }
  child.kill();
  process.exit(0);
}

if (process.argv[2] === 'proxies') proxies();
else await measure(Number(process.argv[2] ?? 500));
