// An app beside the proxy: on 5432 it speaks first and says whom it sees; on 8080 it speaks HTTP and says that too.
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:net';

const host = process.argv[2]!;
createServer(socket => {
  socket.on('error', () => {});
  socket.write(`${socket.remoteAddress}\n`);
  socket.pipe(socket);
}).listen(5432, host);
createHttp((request, response) => {
  response.end(`${request.socket.remoteAddress} ${request.socket.remotePort}\n`);
}).listen(8080, host, () => process.stdout.write('listening\n'));
