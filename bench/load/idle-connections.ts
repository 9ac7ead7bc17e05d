// Opens many connections, sends one request on each so that it is an HTTP connection that was kept, and holds them. Prints `open`
// and ends with its standard input.
//   node bench/load/idle-connections.ts --port 9000 --connections 10000
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '' }, connections: { type: 'string', default: '10000' } },
});
const total = Number(values.connections);
const request = 'GET / HTTP/1.1\r\nhost: bench\r\n\r\n';
const sockets: Socket[] = [];
let begun = 0;
let failed = 0;

function one(): Promise<void> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port: Number(values.port) }, () => socket.write(request));
    socket.once('data', () => {
      sockets.push(socket);
      resolve();
    });
    socket.on('error', () => {
      failed++;
      resolve();
    });
  });
}

async function worker(): Promise<void> {
  while (begun < total) {
    begun++;
    await one();
  }
}

await Promise.all(Array.from({ length: 16 }, worker));
console.log(failed === 0 ? 'open' : `failed ${failed}`);
process.stdin.on('end', () => process.exit(0)).resume();
