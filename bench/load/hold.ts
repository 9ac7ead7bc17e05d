// Connections that are opened, sixteen at a time, and held until standard input ends.
import { connect, type Socket } from 'node:net';

const atOnce = 16;

/**
 * Opens `total` connections to the port and prints `open`, or how many have failed. `begin` is given each once it is connected,
 * and calls `ready` when what it wanted to send first has been answered.
 */
export async function hold(
  port: number,
  total: number,
  begin: (socket: Socket, ready: () => void) => void,
): Promise<void> {
  const sockets: Socket[] = [];
  let begun = 0;
  let failed = 0;
  const one = (): Promise<void> =>
    new Promise(resolve => {
      const socket = connect({ host: '127.0.0.1', port }, () =>
        begin(socket, () => {
          sockets.push(socket);
          resolve();
        }),
      );
      socket.on('error', () => {
        failed++;
        resolve();
      });
    });
  const worker = async (): Promise<void> => {
    while (begun < total) {
      begun++;
      await one();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  console.log(failed === 0 ? 'open' : `failed ${failed}`);
  process.stdin.on('end', () => process.exit(0)).resume();
}
