// A Service in front of replicas, as kube-proxy has it: every connection goes to one of them by chance, be it well or not.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** Listens on loopback until the test is over; `ports` is asked for each connection. Gives its port. */
export async function startService(context: TestContext, ports: () => readonly number[]): Promise<number> {
  const open = new Set<Socket>();
  const server = createServer(client => {
    const all = ports();
    const replica = connect(all[Math.floor(Math.random() * all.length)]!, '127.0.0.1');
    for (const [from, to] of [
      [client, replica],
      [replica, client],
    ] as const) {
      open.add(from);
      from.setNoDelay(true);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}
