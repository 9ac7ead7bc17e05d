// Where a request cannot get to, or should not: addresses without a way, ports of another kind, proxies that are being stopped.
import { once } from 'node:events';
import { type AddressInfo, Server } from 'node:net';
import { createServer } from 'node:tls';
import { certify } from '../../src/ca/testing/odd-certificates.ts';
import { rawConnection } from '../../src/proxy/testing/clients.ts';
import { redirectedInbound } from '../../src/proxy/testing/redirected.ts';
import type { Fault } from './fault.ts';
import { type FaultMesh, KEY } from './fault-mesh.ts';

const hourMs = 3_600_000;

/** An endpoint without a proxy at another address. */
function at(mesh: FaultMesh, address: string): void {
  mesh.serve(1, { endpoints: [{ ...mesh.mesh.plain(80, 'legacy'), address }] });
}

/** A plaintext client of api's port, as packet rules bring it. */
async function call(mesh: FaultMesh, port: number, bytes: string): Promise<void> {
  const inbound = redirectedInbound(mesh.api.plane, port);
  mesh.keep(inbound);
  const raw = await rawConnection(inbound.port);
  raw.write(bytes);
  await raw.until(({ ended, closed }) => ended || closed);
}

export const placeFaults: readonly Fault[] = [
  {
    name: 'there is no way to the endpoint',
    cause: 'host-unreachable',
    object: 'Pod legacy.default',
    command: /^weft proxy-status$/,
    words: /there is no way to 224\.0\.0\.1:80/,
    async inject(mesh) {
      // Linux has no TCP to a multicast group, whatever its routes.
      at(mesh, '224.0.0.1');
      await mesh.ask();
    },
  },
  {
    name: 'the other side speaks TLS of another kind',
    cause: 'handshake-failed',
    object: 'Pod api-0.default',
    command: /^kubectl logs -n default api-0 -c weft-proxy$/,
    words: /the TLS handshake failed: /,
    async inject(mesh) {
      const times = { notBeforeMs: Date.now() - hourMs, notAfterMs: Date.now() + hourMs };
      const { keyPem: key, pem: cert } = certify({ name: 'old', ...times });
      const server = createServer({ key, cert, maxVersion: 'TLSv1.2' }).listen(0, '127.0.0.1');
      server.on('tlsClientError', () => {});
      mesh.keep(server);
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      mesh.serve(1, { endpoints: [{ ...mesh.mesh.meshed(mesh.api, 80), tunnelPort: port }] });
      await mesh.ask();
    },
  },
  {
    name: 'a port that is declared HTTP gets something else',
    cause: 'not-http',
    object: 'Pod api-0.default',
    command: undefined,
    words: /8080/,
    at: 'api',
    options: { api: { mtls: 'permissive', ports: [{ number: 8080, protocol: 'http', mtls: 'permissive' }] } },
    inject: mesh => call(mesh, 8080, '\x00\x01\x02\x03 some protocol\r\n'),
  },
  {
    name: 'a TCP connection that the upstream breaks off',
    cause: 'session-broken',
    object: 'Pod legacy.default',
    command: /^kubectl logs -n default legacy$/,
    words: /the upstream broke the connection off/,
    async inject(mesh) {
      const port = await mesh.rawApp(socket => socket.once('data', () => socket.resetAndDestroy()));
      mesh.serve(1, { endpoints: [mesh.mesh.plain(port, 'legacy')] });
      const raw = await rawConnection(mesh.web.plane.outboundPort);
      await raw.tunnel(KEY);
      raw.write('anything');
      await raw.until(({ closed }) => closed);
    },
  },
  {
    name: 'the callee is being stopped, and its app with it',
    cause: 'app-not-listening',
    object: 'Pod api-0.default',
    command: /^kubectl get pods -n default -o wide$/,
    words: /the app of pod api-0 does not listen/,
    note: /^default\/api-0 is being stopped$/,
    async inject(mesh) {
      mesh.state = { discovery: 'control-plane', connected: true, reason: '', draining: true };
      mesh.serve(await closedPort());
      await mesh.ask();
    },
  },
  {
    name: 'endpoints of a control plane that has gone: the pod is no longer there',
    cause: 'connect-refused',
    object: 'Pod legacy.default',
    command: /^kubectl get endpointslices -n default -l kubernetes\.io\/service-name=api$/,
    words: /nobody listens at/,
    note: /the proxy of default\/web-0 is cut off from the control plane \(no connection for 12 min\): what it knows may be old/,
    async inject(mesh) {
      const reason = 'no connection for 12 min';
      mesh.state = { discovery: 'control-plane', connected: false, reason, draining: false };
      mesh.serve(1, { endpoints: [mesh.mesh.plain(await closedPort(), 'legacy')] });
      await mesh.ask();
    },
  },
];

/** A port that somebody had and let go. */
async function closedPort(): Promise<number> {
  const server = new Server().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
