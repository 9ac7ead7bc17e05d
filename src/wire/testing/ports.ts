// Ports for tests and the bench. A port that was free a moment ago is soon somebody else's when it came from the kernel: those
// are what other tests get as well.
import { createServer } from 'node:net';

/** Nobody listens here: tcpmux, of 1988, which only root could serve. */
export const CLOSED_PORT = 1;

/** Below what the kernel hands out by itself (net.ipv4.ip_local_port_range begins at 32768), above what daemons use. */
const [lowest, highest] = [20_000, 32_000];

/** Those of this process: one is asked for before the last one is in use. */
const given = new Set<number>();

/** As many different ports of 127.0.0.1 that nothing listens on and that nothing gets by chance; no port is given twice. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let triesLeft = 1_000; found.size < count; triesLeft--) {
    if (triesLeft === 0) throw new Error(`no ${count} ports are free between ${lowest} and ${highest}`);
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    found.add(port);
  }
  return [...found];
}

/** One of them. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise(resolve => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
