// Opens many connections, sends one request on each so that it is an HTTP connection that was kept, and holds them. Prints `open`
// and ends with its standard input.
//   node bench/load/idle-connections.ts --port 9000 --connections 10000

import { readFlags } from '../flags.ts';
import { hold } from './hold.ts';

const { values } = readFlags(import.meta.filename, {
  options: { port: { type: 'string', default: '' }, connections: { type: 'string', default: '10000' } },
});
const request = 'GET / HTTP/1.1\r\nhost: bench\r\n\r\n';
await hold(Number(values.port), Number(values.connections), (socket, ready) => {
  socket.once('data', ready);
  socket.write(request);
});
