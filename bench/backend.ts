// The application behind the proxies, for what nginx does not do: reads bodies to their end, sends as many bytes as asked for,
// and echoes.
//   node bench/backend.ts HTTP_PORT TCP_PORT [ADDRESS]
// HTTP: answers any request with 100 bytes once its body is read, `/bytes/N` with N bytes, `Upgrade` with an echo of whatever
// follows. TCP: the first line is a number, and so many bytes follow; `echo` for an echo.
import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';

const [httpPort, tcpPort] = process.argv.slice(2, 4).map(Number);
const host = process.argv[4] ?? '127.0.0.1';
const chunk = Buffer.alloc(256 * 1024, 'x');
const body = Buffer.alloc(100, '0123456789');
const answer = Buffer.concat([
  Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\n'),
  body,
]);
/** RFC 6455 section 4.2.2; HAProxy looks whether it is right. */
function switching(head: string): string {
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`;
}

/** Sends `left` bytes, as fast as they are taken. */
function pour(socket: Socket, left: number): void {
  let remaining = left;
  const more = (): void => {
    while (remaining > 0 && !socket.destroyed) {
      const size = Math.min(remaining, chunk.length);
      remaining -= size;
      if (!socket.write(size === chunk.length ? chunk : chunk.subarray(0, size))) {
        socket.once('drain', more);
        return;
      }
    }
  };
  more();
}

/** One client at a time, one request at a time: what proxies do without pipelining. */
function serveHttp(socket: Socket): void {
  let mode: 'head' | 'body' | 'echo' = 'head';
  let held = '';
  let left = 0;
  const respond = (): void => {
    mode = 'head';
    const wanted = /^GET \/bytes\/(\d+) /.exec(held)?.[1];
    held = '';
    if (wanted === undefined) socket.write(answer);
    else {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${wanted}\r\n\r\n`);
      pour(socket, Number(wanted));
    }
  };
  socket.on('data', (data: Buffer) => {
    if (mode === 'echo') {
      socket.write(data);
      return;
    }
    if (mode === 'body') left -= data.length;
    else {
      const before = held.length;
      held += data.toString('latin1');
      const end = held.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (/^upgrade: *websocket/im.test(held)) {
        mode = 'echo';
        socket.write(switching(held));
        return;
      }
      left = Number(/^content-length: *(\d+)/im.exec(held)?.[1] ?? 0) - (data.length - (end + 4 - before));
      mode = 'body';
    }
    if (left <= 0) respond();
  });
}

function serveTcp(socket: Socket): void {
  let echoing = false;
  socket.on('data', (data: Buffer) => {
    if (echoing) socket.write(data);
    else if (data.toString('latin1', 0, 4) === 'echo') echoing = true;
    else pour(socket, Number(data.toString('latin1')));
  });
}

for (const [port, serve] of [
  [httpPort, serveHttp],
  [tcpPort, serveTcp],
] as const) {
  createServer({ noDelay: true }, socket => {
    socket.on('error', () => {});
    serve(socket);
  }).listen({ port, host, backlog: 4096 });
}
