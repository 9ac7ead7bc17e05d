// Memory of a proxy that carries HTTP/2: for each idle connection of a client, and for each stream that is open through it to an
// upstream. `node bench/streams/held.ts [connections] [streams on each]`. Three processes: this one calls, the proxy, the app.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { DEFAULT_TRAFFIC } from '../../src/model/index.ts';
import { StaticMesh } from '../../src/proxy/testing/static-mesh.ts';

/** What a process holds, bytes, after a collection. */
interface Held {
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
}

type Asked = { readonly ask: 'held' } | { readonly ask: 'proxy'; readonly app: number };

const many = 100_000;

async function app(): Promise<void> {
  const server = createServer({ settings: { maxConcurrentStreams: many } }).listen(0, '127.0.0.1');
  // Answers begin, and never end.
  server.on('stream', stream => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    stream.write('x');
  });
  await once(server, 'listening');
  process.send!((server.address() as AddressInfo).port);
}

function proxy(): void {
  process.on('message', async (asked: Asked) => {
    if (asked.ask === 'held') {
      for (let n = 0; n < 3; n++) {
        globalThis.gc!();
        await new Promise(resolve => setTimeout(resolve, 50));
      }
      const { rss, heapUsed: heap, external } = process.memoryUsage();
      process.send!({ rss, heap, external } satisfies Held);
      return;
    }
    const mesh = new StaticMesh();
    const { plane } = mesh.proxy('caller');
    const limits = {
      maxConnections: many,
      maxPendingRequests: many,
      maxRequests: many,
      maxRequestsPerConnection: 0,
    };
    mesh.set({
      key: 'app.shop:80',
      endpoints: [mesh.plain(asked.app)],
      settings: { limits: { ...DEFAULT_TRAFFIC.limits, ...limits } },
    });
    process.send!(plane.outboundPort);
  });
}

async function told<T>(child: ChildProcess, asked?: Asked): Promise<T> {
  if (asked !== undefined) child.send(asked);
  const [answer] = (await once(child, 'message')) as [T];
  return answer;
}

async function measure(connections: number, streams: number): Promise<void> {
  const file = new URL(import.meta.url).pathname;
  const apps = fork(file, ['app']);
  const appPort = await told<number>(apps);
  const proxies = fork(file, ['proxy'], { execArgv: ['--expose-gc'] });
  const port = await told<number>(proxies, { ask: 'proxy', app: appPort });
  const sessions: ClientHttp2Session[] = [];
  const open = async (): Promise<ClientHttp2Session> => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on('error', () => {});
    await once(session, 'connect');
    return session;
  };
  const hold = async (session: ClientHttp2Session): Promise<void> => {
    const stream = session.request({ ':path': '/', ':authority': 'app.shop' });
    stream.on('error', () => {});
    stream.resume();
    const [headers] = (await once(stream, 'response')) as [{ ':status'?: number }];
    if (headers[':status'] !== 200) throw new Error(`the proxy answered ${headers[':status']}`);
  };
  // What is made once is there before it counts.
  await hold(await open());
  const none = await told<Held>(proxies, { ask: 'held' });
  for (let n = 0; n < connections; n++) sessions.push(await open());
  const idle = await told<Held>(proxies, { ask: 'held' });
  for (const session of sessions) await Promise.all(Array.from({ length: streams }, () => hold(session)));
  const held = await told<Held>(proxies, { ask: 'held' });
  const each = (to: Held, from: Held, count: number): string =>
    (['rss', 'heap', 'external'] as const)
      .map(name => `${name} ${((to[name] - from[name]) / count / 1024).toFixed(2)} KiB`)
      .join(', ');
  console.log(`idle connection of a client: ${each(idle, none, connections)} (mean of ${connections})`);
  console.log(
    `open stream through the proxy: ${each(held, idle, connections * streams)} (mean of ${connections * streams})`,
  );
  console.log(
    `the proxy with ${connections * streams} streams: rss ${(held.rss / 1024 / 1024).toFixed(1)} MiB`,
  );
  apps.kill();
  proxies.kill();
  process.exit(0);
}

const [role = '100', perConnection = '100'] = process.argv.slice(2);
if (role === 'app') await app();
else if (role === 'proxy') proxy();
else await measure(Number(role), Number(perConnection));
