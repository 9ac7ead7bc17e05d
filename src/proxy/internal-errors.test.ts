// Fault injection: every method that a callback can reach throws once, before or after it has done its work, while a client is
// served. The client may be cut off. The process, everybody else's connections, and the next request must not notice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningCluster, RunningEndpoint, SessionPool } from '../cluster/index.ts';
import { Pool } from '../cluster/pool.ts';
import { SinglePool } from '../cluster/single-pool.ts';
import { type InternalError, onInternalError } from '../errors/index.ts';
import { ClientConnection, ServerConnection } from '../http1/index.ts';
import { RequestMetrics, TcpMetrics } from '../telemetry/index.ts';
import { TimerWheel } from '../time/index.ts';
import { MeshTls } from '../tls/index.ts';
import { ExplicitConnection } from './accept/explicit.ts';
import { InboundConnection } from './accept/inbound.ts';
import { InboundSessions } from './accept/inbound-sessions.ts';
import { OutboundConnection } from './accept/outbound.ts';
import { Connector } from './connect/connector.ts';
import { InboundPorts } from './destinations/inbound-ports.ts';
import { Detection } from './detection/detection.ts';
import { Exchange } from './exchange/exchange.ts';
import { RequestSoFar } from './exchange/request-so-far.ts';
import { Tries } from './exchange/tries.ts';
import { Http1Serving } from './serving/http1-serving.ts';
import { DownstreamStream } from './streams/downstream-stream.ts';
import { StreamBytes } from './streams/stream-bytes.ts';
import { UpstreamStream } from './streams/upstream-stream.ts';
import { TcpSession } from './tcp/tcp-session.ts';
import { Tunnel } from './tcp/tunnel.ts';
import {
  ask,
  closeAll,
  httpServer,
  type RawConnection,
  rawConnection,
  tcpServer,
} from './testing/clients.ts';
import { redirectedOutbound } from './testing/redirected.ts';
import { StaticMesh } from './testing/static-mesh.ts';

type Method = (...args: unknown[]) => unknown;

/** Everything that events of connections, handshakes, dials and timers run through. */
const classes: readonly { readonly name: string; readonly prototype: object }[] = [
  Exchange,
  Tries,
  RequestSoFar,
  Http1Serving,
  ServerConnection,
  ClientConnection,
  Pool,
  SinglePool,
  RunningCluster,
  RunningEndpoint,
  Connector,
  TcpSession,
  Tunnel,
  StreamBytes,
  UpstreamStream,
  DownstreamStream,
  InboundSessions,
  SessionPool,
  Detection,
  InboundConnection,
  InboundPorts,
  OutboundConnection,
  ExplicitConnection,
  MeshTls,
  TimerWheel,
  RequestMetrics,
  TcpMetrics,
];
/** What gives up is the guard itself; and what this test calls itself. */
const guards = ['onFault', 'crash', 'constructor', 'closeIdle'];

function methodsOf(prototype: object): string[] {
  return Object.getOwnPropertyNames(prototype).filter(name => {
    const value = Object.getOwnPropertyDescriptor(prototype, name)!.value as unknown;
    return typeof value === 'function' && !guards.includes(name);
  });
}

/**
 * From now on the method throws the next time that it is called, and works again afterwards. Returns whether it has, and how to
 * undo it.
 */
function sabotage(
  prototype: object,
  name: string,
  when: 'before' | 'after',
): { hit(): boolean; undo(): void } {
  const holder = prototype as Record<string, Method>;
  const original = holder[name]!;
  let hit = false;
  const undo = (): void => {
    holder[name] = original;
  };
  holder[name] = function (this: unknown, ...args: unknown[]) {
    undo();
    hit = true;
    if (when === 'after') original.apply(this, args);
    throw new Error(`injected ${when} ${name}`);
  };
  return { hit: () => hit, undo };
}

/** Answered, or cut off. */
async function over(connection: RawConnection, answered: RegExp): Promise<void> {
  await connection.until(({ closed, ended, text }) => closed || ended || answered.test(text));
  connection.socket.destroy();
}

test('an error in any callback of a connection ends that connection at most', {
  timeout: 300_000,
}, async t => {
  const told: InternalError[] = [];
  onInternalError(error => told.push(error));
  t.after(() => onInternalError(undefined));
  const mesh = new StaticMesh();
  const app = await httpServer((request, response) => {
    request.resume();
    request.on('end', () => response.end('fine'));
  });
  const echo = await tcpServer(socket => socket.on('data', data => socket.write(data)));
  const bytes = await tcpServer(socket => socket.on('data', data => socket.write(data)));
  const client = mesh.proxy('client');
  const server = mesh.proxy('server', { ports: [{ number: bytes.port, protocol: 'tcp', mtls: 'strict' }] });
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port)] });
  mesh.set({ key: 'echo:80', endpoints: [mesh.meshed(server, echo.port)] });
  mesh.set({ key: 'bytes:80', protocol: 'tcp', endpoints: [mesh.meshed(server, bytes.port)] });
  mesh.set({ key: '10.0.0.1:80', endpoints: [mesh.meshed(server, app.port)] });
  const redirected = redirectedOutbound(client.plane, '10.0.0.1', 80);
  t.after(() => closeAll(mesh, redirected, app, echo, bytes));
  const { outboundPort } = client.plane;

  const bystander = await rawConnection(outboundPort);
  await bystander.tunnel('echo:80');
  // On the connection that the other sessions with that port share.
  const beside = await rawConnection(outboundPort);
  await beside.tunnel('bytes:80');

  /** One client of each kind, each on a connection of its own. */
  const victims = async (): Promise<void> => {
    const get = await rawConnection(redirected.port);
    get.write('GET /a HTTP/1.1\r\nHost: app\r\n\r\n');
    await over(get, /fine/);
    const post = await rawConnection(outboundPort);
    post.write('POST http://app:80/a HTTP/1.1\r\nHost: app:80\r\nContent-Length: 10\r\n\r\n12345');
    post.write('67890');
    await over(post, /fine/);
    const tunnel = await rawConnection(outboundPort);
    tunnel.write('CONNECT echo:80 HTTP/1.1\r\nHost: echo:80\r\n\r\nhello');
    await over(tunnel, /hello|HTTP\/1.1 [45]/);
    const stream = await rawConnection(outboundPort);
    stream.write('CONNECT bytes:80 HTTP/1.1\r\nHost: bytes:80\r\n\r\nhello');
    await over(stream, /hello|HTTP\/1.1 [45]/);
    const idle = client.plane.destinations.clusters;
    // Otherwise nobody would open a connection, and most of what is to be tried is about that.
    for (const cluster of idle) for (const { pool } of cluster.endpoints) pool.closeIdle();
  };
  await victims();

  let hits = 0;
  for (const { name: className, prototype } of classes) {
    for (const method of methodsOf(prototype)) {
      for (const when of ['before', 'after'] as const) {
        const what = `${className}.${method} throws ${when} its work`;
        const fault = sabotage(prototype, method, when);
        await victims();
        fault.undo();
        if (fault.hit()) hits++;
        for (const other of [bystander, beside]) {
          other.text = '';
          other.write(what);
          await other.until(({ text, closed }) => closed || text === what);
          assert.equal(other.text, what, `${what}: another connection goes on`);
        }
        const { status, body } = await ask(outboundPort, 'app:80');
        assert.equal(`${status} ${body}`, '200 fine', `${what}: the next request is served`);
      }
    }
  }
  assert.ok(hits > 120, `only ${hits} of the methods were reached`);
  assert.ok(told.length > hits / 2, `${told.length} errors were told of ${hits}`);
  for (const { where, thrown } of told) assert.match((thrown as Error).stack!, /injected/, where);
  const active = (): number => client.plane.services.active + server.plane.services.active;
  for (let turn = 0; turn < 2_000 && active() > 0; turn++)
    await new Promise(resolve => setTimeout(resolve, 5));
  assert.equal(active(), 0, 'exchanges are forgotten in no case');
});
