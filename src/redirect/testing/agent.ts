// A process inside a network namespace that connects and listens on demand: the app, the proxy or a peer of the traffic tests.
// Orders come over the IPC channel, one answer each; it ends when the channel closes.
import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import koffi from 'koffi';

/** What an agent is asked to do. */
export type Order =
  | { readonly do: 'become'; readonly name: string; readonly uid: number; readonly gid: number }
  | { readonly do: 'listen' | 'listen-udp' | 'send-udp'; readonly host: string; readonly port: number }
  | { readonly do: 'connect'; readonly host: string; readonly port: number; readonly from?: string };

/** What a listening agent tells whoever connects. */
export interface Greeting {
  /** The agent's name. */
  readonly who: string;
  /** The port on which it listens. */
  readonly port: number;
  /** SO_ORIGINAL_DST; empty when the kernel knows none. */
  readonly originalDestination: string;
  readonly remoteAddress: string;
}

/** The answer to `connect`: the greeting of whoever answered, or the code of the error. */
export type Answer = Greeting | { readonly error: string };

const libc = koffi.load('libc.so.6');
const getsockopt = libc.func(
  'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
);
let name = '';

function originalDestination(socket: Socket): string {
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const v6 = socket.remoteFamily === 'IPv6';
  const address = Buffer.alloc(28);
  // SOL_IP 0 and SOL_IPV6 41; SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST are both 80 (linux/netfilter_ipv4.h, ip6_tables.h).
  if (getsockopt(fd, v6 ? 41 : 0, 80, address, [address.length]) !== 0) return '';
  const port = address.readUInt16BE(2);
  if (!v6) return `${address.subarray(4, 8).join('.')}:${port}`;
  const groups = Array.from({ length: 8 }, (_, index) => address.readUInt16BE(8 + 2 * index).toString(16));
  // The URL parser shortens an IPv6 address in the canonical way.
  return `${new URL(`http://[${groups.join(':')}]/`).hostname}:${port}`;
}

function listen(host: string, port: number): Promise<unknown> {
  return new Promise(resolve => {
    const server = createServer(socket => {
      socket.on('error', () => {});
      const remoteAddress = socket.remoteAddress ?? '';
      const greeting: Greeting = {
        who: name,
        port,
        originalDestination: originalDestination(socket),
        remoteAddress,
      };
      socket.end(JSON.stringify(greeting));
    });
    server.on('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }));
    server.listen({ host, port, ipv6Only: true }, () => resolve({}));
  });
}

function call(host: string, port: number, from: string | undefined): Promise<Answer> {
  return new Promise(resolve => {
    const socket = connect({ host, port, localAddress: from });
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    socket.setTimeout(5000, () => {
      socket.destroy();
      resolve({ error: 'ETIMEDOUT' });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }));
    socket.on('end', () => resolve(JSON.parse(text) as Greeting));
  });
}

function listenUdp(host: string, port: number): Promise<unknown> {
  const socket = createSocket(host.includes(':') ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
  socket.on('message', (_, { address, port: from }) => {
    socket.send(
      JSON.stringify({ who: name, port, originalDestination: '', remoteAddress: address }),
      from,
      address,
    );
  });
  return new Promise(resolve => {
    socket.on('error', error => resolve({ error: error.message }));
    socket.bind(port, host, () => resolve({}));
  });
}

function sendUdp(host: string, port: number): Promise<Answer> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve({ error: 'ETIMEDOUT' }), 5000);
    socket.on('message', text => {
      clearTimeout(timer);
      socket.close();
      resolve(JSON.parse(text.toString()) as Greeting);
    });
    socket.send('who is there?', port, host);
  });
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'listen':
      return listen(order.host, order.port);
    case 'listen-udp':
      return listenUdp(order.host, order.port);
    case 'send-udp':
      return sendUdp(order.host, order.port);
    case 'connect':
      return call(order.host, order.port, order.from);
    case 'become':
      name = order.name;
      process.setgroups?.([]);
      process.setgid?.(order.gid);
      process.setuid?.(order.uid);
      return {};
  }
}

process.on('message', (message: { id: number; order: Order }) => {
  void obey(message.order).then(result => process.send?.({ id: message.id, result }));
});
process.on('disconnect', () => process.exit());
