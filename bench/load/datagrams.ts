// Clients that send a datagram, wait for its echo, and send the next. One that is not answered in a second counts as an error.
//   node bench/load/datagrams.ts --port 9000 --seconds 2 [--clients 32] [--bytes 100]
// And who echoes what it gets, until it is ended:
//   node bench/load/datagrams.ts --port 9000 --echo
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFlags } from '../flags.ts';
import { percentiles, printResult } from './load-result.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    port: { type: 'string', default: '' },
    seconds: { type: 'string', default: '2' },
    clients: { type: 'string', default: '32' },
    bytes: { type: 'string', default: '100' },
    echo: { type: 'boolean', default: false },
  },
});
const port = Number(values.port);
const host = '127.0.0.1';
const patienceMs = 1_000;

function echo(): void {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  socket.bind(port, host);
}

async function load(): Promise<void> {
  const latencies = new Float64Array(4_000_000);
  const message = Buffer.alloc(Number(values.bytes), 'x');
  const startMs = performance.now();
  const endMs = startMs + Number(values.seconds) * 1000;
  let count = 0;
  let lost = 0;
  const client = async (): Promise<Socket> => {
    const socket = createSocket('udp4');
    socket.connect(port, host);
    await once(socket, 'connect');
    let sentMs = 0;
    let patience: NodeJS.Timeout;
    const send = (): void => {
      sentMs = performance.now();
      if (sentMs >= endMs) {
        clearTimeout(patience);
        socket.close();
        return;
      }
      socket.send(message);
      patience.refresh();
    };
    patience = setTimeout(() => {
      lost++;
      send();
    }, patienceMs);
    socket.on('error', () => {});
    socket.on('message', () => {
      if (count < latencies.length) latencies[count] = performance.now() - sentMs;
      count++;
      send();
    });
    send();
    return socket;
  };
  const sockets = await Promise.all(Array.from({ length: Number(values.clients) }, client));
  await Promise.all(sockets.map(socket => once(socket, 'close')));
  printResult({
    count,
    seconds: (performance.now() - startMs) / 1000,
    ...percentiles(latencies.subarray(0, Math.min(count, latencies.length))),
    errors: lost,
  });
}

if (values.echo) echo();
else await load();
