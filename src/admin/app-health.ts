import { connect, isIPv6, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { AppProbe, AppProbes } from '../config/app.ts';
import { errorMessage } from '../errors/index.ts';
import { type AdminRoutes, text } from './http-server.ts';

/** More of an answer is not needed to see its status. */
const headLimit = 8192;

/** Where the app is reached. */
export interface AppAddress {
  /** The pod's own address, where the kubelet would go. */
  readonly host: string;
  /** The source address that the packet rules let through to the app; undefined where there are none. */
  readonly localAddress?: string;
}

/**
 * The app's own probes, asked from inside the pod: the kubelet calls the proxy in plaintext, also where the app takes mesh
 * TLS only (USERS.md row 8). `WEFT_PROBES` says which there are; each goes to the pod's address, where the kubelet would go.
 */
export function appHealthRoutes(probes: AppProbes, app: AppAddress): AdminRoutes {
  const routes = Object.entries(probes).map(([path, probe]) => {
    const handler = async () => {
      const failure = await runProbe(probe, app);
      return failure === undefined ? text('ok\n') : text(`weft: the app's probe failed: ${failure}\n`, 500);
    };
    return [`GET ${path}`, handler] as const;
  });
  return Object.fromEntries(routes);
}

/** Reads `WEFT_PROBES`; nothing where it is not set. Throws a SyntaxError when it is no JSON. */
export function readAppProbes(value: string | undefined): AppProbes {
  return value === undefined || value === '' ? {} : (JSON.parse(value) as AppProbes);
}

/** Undefined when the probe succeeds, otherwise why not. */
export function runProbe(probe: AppProbe, app: AppAddress): Promise<string | undefined> {
  const timeoutMs = probe.timeoutSeconds * 1000;
  if (probe.httpGet) return probeHttp(probe.httpGet, app, timeoutMs);
  if (probe.tcpSocket) return probeTcp(probe.tcpSocket.port, app, timeoutMs);
  if (probe.grpc) return probeGrpc(probe.grpc, app, timeoutMs);
  return Promise.resolve('it is of a kind that this version does not know');
}

/** Opens a connection, lets `begin` use it, and ends it when that has settled the answer or the time is over. */
function withSocket(
  open: () => Socket,
  event: 'connect' | 'secureConnect',
  where: string,
  timeoutMs: number,
  begin: (socket: Socket, done: (failure: string | undefined) => void) => void,
): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = open();
    const done = (failure: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(failure);
    };
    const timer = setTimeout(() => done(`${where}: no answer within ${timeoutMs} ms`), timeoutMs);
    socket.on('error', error => done(`${where}: ${errorMessage(error)}`));
    socket.once(event, () => begin(socket, done));
  });
}

function probeTcp(port: number, app: AppAddress, timeoutMs: number): Promise<string | undefined> {
  const open = (): Socket => connect({ ...app, port });
  return withSocket(open, 'connect', `port ${port}`, timeoutMs, (_, done) => done(undefined));
}

/** 200 to 399 is success; redirects are not followed and certificates not verified, as the kubelet does. */
function probeHttp(
  get: NonNullable<AppProbe['httpGet']>,
  app: AppAddress,
  timeoutMs: number,
): Promise<string | undefined> {
  const { port, path, scheme } = get;
  const where = `GET ${path} on port ${port}`;
  const secure = scheme === 'HTTPS';
  const open = (): Socket =>
    secure ? connectTls({ ...app, port, rejectUnauthorized: false }) : connect({ ...app, port });
  return withSocket(open, secure ? 'secureConnect' : 'connect', where, timeoutMs, (socket, done) => {
    let head = '';
    socket.on('data', (chunk: Buffer) => {
      head += chunk.toString('latin1');
      if (!head.includes('\n') && head.length < headLimit) return;
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? Number.NaN);
      if (status >= 200 && status < 400) done(undefined);
      else done(Number.isNaN(status) ? `${where}: the answer is no HTTP` : `${where} answered ${status}`);
    });
    socket.on('end', () => done(`${where}: the connection ended without an answer`));
    socket.write(requestText(get, app.host));
  });
}

function requestText(get: NonNullable<AppProbe['httpGet']>, host: string): string {
  const given = get.httpHeaders ?? [];
  const has = (name: string): boolean => given.some(header => header.name.toLowerCase() === name);
  const own: (readonly [string, string])[] = [
    ['Host', `${isIPv6(host) ? `[${host}]` : host}:${get.port}`],
    ['User-Agent', 'kube-probe/weft'],
    ['Accept', '*/*'],
  ];
  const lines = [
    ...own.filter(([name]) => !has(name.toLowerCase())).map(([name, value]) => `${name}: ${value}`),
    ...given.map(({ name, value }) => `${name}: ${value}`),
    'Connection: close',
  ];
  return `GET ${get.path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** grpc.health.v1.Health/Check must say SERVING. HTTP/2 is loaded only where a pod has such a probe. */
async function probeGrpc(
  { port, service = '' }: NonNullable<AppProbe['grpc']>,
  app: AppAddress,
  timeoutMs: number,
): Promise<string | undefined> {
  const { connect: connectHttp2 } = await import('node:http2');
  const where = `grpc on port ${port}`;
  return new Promise(resolve => {
    const session = connectHttp2(`http://localhost:${port}`, {
      createConnection: () => connect({ ...app, port }),
    });
    const done = (failure: string | undefined): void => {
      clearTimeout(timer);
      session.destroy();
      resolve(failure);
    };
    const timer = setTimeout(() => done(`${where}: no answer within ${timeoutMs} ms`), timeoutMs);
    session.on('error', error => done(`${where}: ${errorMessage(error)}`));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let status = '0';
    const note = (headers: Record<string, unknown>): void => {
      status = String(headers['grpc-status'] ?? status);
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', error => done(`${where}: ${errorMessage(error)}`));
    stream.on('end', () => {
      // Field 1 of the message, after five bytes of prefix: status, and 1 is SERVING.
      const message = Buffer.concat(chunks).subarray(5);
      if (status !== '0') done(`${where}: status ${status}`);
      else done(message[0] === 0x08 && message[1] === 1 ? undefined : `${where}: not serving`);
    });
    stream.end(healthRequest(service));
  });
}

function healthRequest(service: string): Buffer {
  const name = Buffer.from(service).subarray(0, 127);
  const message = name.length > 0 ? Buffer.concat([Buffer.from([0x0a, name.length]), name]) : name;
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
