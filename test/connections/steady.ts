// For steady.test.ts, in a network of its own: sessions through what a proxy does with them (Listener, a dial from 127.0.0.6 as
// to the app of its pod, Tunnel), so many begun in each second. Prints what became of them.
//   node steady.ts RATE SECONDS
import { connect as connectTcp, createServer, type Server } from 'node:net';
import { Tunnel } from '../../src/proxy/tcp/tunnel.ts';
import { dial, Listener } from '../../src/wire/index.ts';

const [rate = 0, seconds = 0] = process.argv.slice(2).map(Number);
const errors: Record<string, number> = {};
let answered = 0;
const failed = (why: string): void => {
  errors[why] = (errors[why] ?? 0) + 1;
};

const app = await new Promise<Server>(resolve => {
  const server = createServer(socket => {
    socket.on('error', error => failed(`app: ${error.message}`));
    socket.on('data', () => socket.write('pong'));
  });
  server.listen(0, '127.0.0.1', 4096, () => resolve(server));
});
const appPort = (app.address() as { port: number }).port;
const proxy = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
  wire.handler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };
  dial('127.0.0.1', appPort, '127.0.0.6', {
    onConnect: upstream => new Tunnel(wire, upstream, () => {}).start(undefined, undefined),
    onConnectError(error) {
      failed(`proxy: ${error}`);
      wire.reset();
    },
  });
});

/** One session: a question, an answer, and the client ends first, so that the proxy ends first towards the app. */
function session(): Promise<void> {
  return new Promise(resolve => {
    let heard = false;
    const socket = connectTcp(proxy.port, '127.0.0.1', () => socket.write('ping'));
    socket.on('data', () => {
      heard = true;
      socket.end();
    });
    socket.on('error', error => failed(`client: ${error.message}`));
    socket.on('close', () => {
      if (heard) answered++;
      resolve();
    });
  });
}

const startMs = performance.now();
const open = new Set<Promise<void>>();
let begun = 0;
// What is late is made up for: as many are begun as are due.
for (const total = rate * seconds; begun < total; ) {
  const due = Math.min(total, Math.ceil(((performance.now() - startMs) / 1000) * rate));
  // Beyond so many at once it is the machine that is too slow, and not what is tested.
  for (; begun < due && open.size < 256; begun++) {
    const one: Promise<void> = session().finally(() => open.delete(one));
    open.add(one);
  }
  await new Promise(resolve => setTimeout(resolve, 1));
}
await Promise.all(open);
const tookSeconds = (performance.now() - startMs) / 1000;
console.log(JSON.stringify({ begun, answered, errors, perSecond: Math.round(begun / tookSeconds) }));
process.exit(0);
