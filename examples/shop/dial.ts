import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';

/** A TCP connection, through a CONNECT tunnel where HTTP_PROXY names a proxy. Rejects when it cannot be opened. */
export async function dial(host: string, port: number): Promise<Socket> {
  const proxy = process.env.HTTP_PROXY;
  if (proxy) return tunnel(new URL(proxy), `${host}:${port}`);
  const socket = connect(port, host);
  await once(socket, 'connect');
  return socket;
}

function tunnel(proxy: URL, target: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const asked = request({
    host: proxy.hostname,
    port: proxy.port || 80,
    method: 'CONNECT',
    path: target,
    headers: { Host: target },
    agent: false,
  });
  asked.on('error', reject);
  asked.on('connect', (response, socket, head) => {
    if (response.statusCode !== 200) {
      socket.destroy();
      reject(new Error(`the proxy answered ${response.statusCode} to CONNECT ${target}`));
      return;
    }
    if (head.length > 0) socket.unshift(head);
    resolve(socket as Socket);
  });
  asked.end();
  return promise;
}
