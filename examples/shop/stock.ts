// stock: how many of each product are left, over a line protocol of its own in which the server speaks first, as in SMTP
// and MySQL. It greets, answers `COUNT <product>` lines and ends with `BYE`.
import { createServer, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { products } from './products.ts';

const pod = process.env.POD_NAME ?? hostname();
const version = process.env.VERSION ?? 'v1';
const maxLineBytes = 1024;
const open = new Set<Socket>();

function answer(line: string): string {
  const [command = '', id = ''] = line.trim().split(/\s+/);
  if (command.toUpperCase() !== 'COUNT') return 'ERR say COUNT <product> or QUIT';
  const index = products.findIndex(product => product.id === id);
  return index === -1 ? `ERR no product ${id}` : `OK ${id} ${(index + 1) * 7}`;
}

const server = createServer(socket => {
  let pending = '';
  open.add(socket);
  socket.setEncoding('utf8').setNoDelay(true);
  socket.write(`STOCK/1 ready stock/${pod}/${version}\r\n`);
  socket.on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = lines.pop()!;
    for (const line of lines) {
      if (line.trim().toUpperCase() === 'QUIT') return void socket.end('BYE\r\n');
      socket.write(`${answer(line)}\r\n`);
    }
    if (pending.length > maxLineBytes) socket.end('ERR the line is too long\r\n');
  });
  socket.on('end', () => socket.end());
  socket.on('error', () => socket.destroy());
  socket.on('close', () => open.delete(socket));
});

const port = Number(process.env.PORT ?? 9000);
server.listen(port, process.env.HOST ?? '0.0.0.0', () => {
  const address = server.address();
  const bound = typeof address === 'object' && address ? `${address.address}:${address.port}` : address;
  console.log(`stock ${version} listens on ${bound}`);
});
server.on('error', error => {
  console.error(`stock cannot listen on port ${port}: ${error.message}`);
  process.exit(1);
});

function stop(): void {
  server.close(() => process.exit(0));
  for (const socket of open) socket.end('BYE\r\n');
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
