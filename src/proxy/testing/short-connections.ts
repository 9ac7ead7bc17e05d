// For short-connections.test.ts: an app makes a new connection to its proxy for each request, several at a time. Prints by how
// many bytes the old generation of V8's heap grew for each, and how many full collections there were.
//   node --expose-gc --max-semi-space-size=1 short-connections.ts COUNT plain|mesh
// `plain`: the endpoint has no proxy, and connections to it are kept. `mesh`: it has one, and each request goes there on a
// connection of its own, with a handshake.
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { DEFAULT_TRAFFIC } from '../../model/index.ts';
import { dial, Listener, type Wire } from '../../wire/index.ts';
import { StaticMesh } from './static-mesh.ts';

const WARM = 400;
const AT_ONCE = 16;
const [count, kind] = [Number(process.argv[2]), process.argv[3]];
const answer = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
const question = Buffer.from('GET / HTTP/1.1\r\nhost: server.default:80\r\nconnection: close\r\n\r\n');
let full = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) {
    const { kind: what } = (entry as PerformanceEntry & { detail: { kind: number } }).detail;
    if (what === constants.NODE_PERFORMANCE_GC_MAJOR) full++;
  }
}).observe({ entryTypes: ['gc'] });

const app = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
  wire.handler = {
    // Requests are small, and come one at a time.
    onData: () => void wire.write(answer, 0, answer.length),
    onEnd: () => wire.end(),
    onDrain() {},
    onClose() {},
  };
  wire.resume();
});
const mesh = new StaticMesh();
const client = mesh.proxy('client');
client.access.write = () => {};
if (kind === 'mesh') {
  const server = mesh.proxy('server');
  server.access.write = () => {};
  mesh.set({
    key: 'server.default:80',
    endpoints: [mesh.meshed(server, app.port)],
    settings: { limits: { ...DEFAULT_TRAFFIC.limits, maxRequestsPerConnection: 1 } },
  });
} else mesh.set({ key: 'server.default:80', endpoints: [mesh.plain(app.port)] });

/** Resolves when it is closed. */
function connection(): Promise<void> {
  return new Promise((resolve, reject) => {
    let first = true;
    const onConnect = (wire: Wire): void => {
      wire.handler = {
        onData(bytes) {
          if (first && !bytes.toString('latin1', 0, 15).startsWith('HTTP/1.1 200 OK'))
            reject(new Error(bytes.toString('latin1', 0, 400)));
          first = false;
        },
        onEnd: () => wire.end(),
        onDrain() {},
        onClose: () => resolve(),
      };
      wire.resume();
      wire.write(question, 0, question.length);
    };
    dial('127.0.0.1', client.plane.outboundPort, '', { onConnect, onConnectError: reject });
  });
}

async function connections(total: number): Promise<void> {
  let left = total;
  const one = async (): Promise<void> => {
    while (left-- > 0) await connection();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

function oldBytes(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name }) => space_name === 'old_space');
  return spaces.reduce((sum, space) => sum + space.space_used_size, 0);
}

await connections(WARM);
// Whatever is there now is old, the tables of sets among it.
globalThis.gc?.();
await connections(WARM);
full = 0;
const before = oldBytes();
await connections(count);
await new Promise(resolve => setImmediate(resolve));
console.log(JSON.stringify({ grown: (oldBytes() - before) / count, full }));
process.exit(0);
