// For local-source.test.ts, in a network of its own that has few ports: opens connections from one address to several servers and
// prints how many were asked for and what became of those that failed.
//   node many-sources.ts ADDRESS KEPT CLOSED
import { createServer, type Server } from 'node:net';
import { type Dialer, dial, type Wire } from '../index.ts';

const [address = '', ...counts] = process.argv.slice(2);
const [kept = 0, closed = 0] = counts.map(Number);
const host = address.includes(':') ? '::1' : '127.0.0.1';
const errors: string[] = [];

async function server(): Promise<number> {
  const listening = await new Promise<Server>(resolve => {
    const made = createServer(socket => socket.on('error', () => {}).resume());
    made.listen(0, host, () => resolve(made));
  });
  return (listening.address() as { port: number }).port;
}

/** Opens one; resolves when it is open, or with `end` when it is over, by this side first. */
function open(port: number, end: boolean): Promise<void> {
  return new Promise(resolve => {
    const dialer: Dialer = {
      onConnect(wire: Wire) {
        if (!end) return resolve();
        wire.handler = { onData() {}, onEnd() {}, onDrain() {}, onClose: () => resolve() };
        wire.resume();
        wire.end();
      },
      onConnectError(error) {
        errors.push(error);
        resolve();
      },
    };
    dial(host, port, address, dialer);
  });
}

for (const [count, end] of [
  [closed, true],
  [kept, false],
] as const)
  for (const port of [await server(), await server()])
    for (let each = 0; each < count; each++) await open(port, end);
console.log(JSON.stringify({ asked: 2 * (kept + closed), errors }));
process.exit(0);
