// What goes wrong between two proxies, or between a proxy and its app, before a request is on its way.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { certify } from '../../src/ca/testing/odd-certificates.ts';
import { rawConnection } from '../../src/proxy/testing/clients.ts';
import { redirectedInbound } from '../../src/proxy/testing/redirected.ts';
import { ALPN } from '../../src/tls/index.ts';
import { clientHello } from '../../src/tls/testing/hellos.ts';
import { CLOSED_PORT } from '../../src/wire/testing/ports.ts';
import type { Fault } from './fault.ts';
import { type FaultMesh, KEY } from './fault-mesh.ts';

const hourMs = 3_600_000;
const strict = {
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  namespace: 'default',
  name: 'strict',
  origin: 'shop.yaml:3',
} as const;

/** A plaintext client at a port of api that takes mutual TLS only. */
async function plaintext(mesh: FaultMesh, bytes: string): Promise<void> {
  mesh.api.plane.apply({
    kind: 'inbound',
    key: 'default/api-0',
    self: mesh.api.peer,
    ports: [{ number: 8080, protocol: 'http', mtls: 'strict', from: strict }],
    defaultMtls: 'strict',
  });
  const inbound = redirectedInbound(mesh.api.plane, 8080);
  mesh.keep(inbound);
  const raw = await rawConnection(inbound.port);
  raw.write(bytes);
  await raw.until(({ ended, closed }) => ended || closed);
}

/** A process that was stopped as it listened, with as many connections as the kernel takes for it. */
async function frozenServer(): Promise<{ port: number; close(): void }> {
  const program =
    "const s = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))";
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(first.toString());
  child.kill('SIGSTOP');
  const waiting = Array.from({ length: 8 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}));
  // Two are taken; of the others the kernel answers none.
  await once(waiting[1]!, 'connect');
  return {
    port,
    close() {
      for (const socket of waiting) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}

export const connectionFaults: readonly Fault[] = [
  {
    name: 'the app does not listen',
    cause: 'app-not-listening',
    object: 'Pod api-0.default',
    command: /^kubectl logs -n default api-0$/,
    words: /the app of pod api-0 does not listen at 127\.0\.0\.1:1$/,
    async inject(mesh) {
      mesh.serve(CLOSED_PORT);
      await mesh.ask();
    },
  },
  {
    name: 'nobody listens at an endpoint without a proxy',
    cause: 'connect-refused',
    object: 'Pod legacy.default',
    command: /^kubectl logs -n default legacy$/,
    words: /nobody listens at 127\.0\.0\.1:1, where pod legacy is to be/,
    async inject(mesh) {
      mesh.serve(1, { endpoints: [mesh.mesh.plain(CLOSED_PORT, 'legacy')] });
      await mesh.ask();
    },
  },
  {
    name: 'nobody listens where a proxy is to be',
    cause: 'connect-refused',
    object: 'Pod api-0.default',
    command: /^kubectl get endpointslices -n default -l kubernetes\.io\/service-name=api$/,
    words: /nobody listens at/,
    async inject(mesh) {
      mesh.serve(1, { endpoints: [{ ...mesh.mesh.meshed(mesh.api, 80), tunnelPort: CLOSED_PORT }] });
      await mesh.ask();
    },
  },
  {
    name: 'packets to an endpoint are lost',
    cause: 'connect-timeout',
    object: 'Pod api-0.default',
    command: /^kubectl get pods -n default -o wide$/,
    words: /did not take the connection in time/,
    async inject(mesh) {
      const frozen = await frozenServer();
      mesh.keep(frozen);
      mesh.serve(1, {
        endpoints: [mesh.mesh.plain(frozen.port, 'api-0')],
        settings: { connectTimeoutMs: 50 },
      });
      await mesh.ask();
    },
  },
  {
    name: 'the TLS handshake is not answered',
    cause: 'handshake-timeout',
    object: 'Pod api-0.default',
    command: /^kubectl logs -n default api-0 -c weft-proxy$/,
    words: /does not finish the TLS handshake in time/,
    async inject(mesh) {
      const port = await mesh.rawApp(socket => socket.resume());
      mesh.serve(1, {
        endpoints: [{ ...mesh.mesh.meshed(mesh.api, 80), tunnelPort: port }],
        settings: { connectTimeoutMs: 50 },
      });
      await mesh.ask();
    },
  },
  {
    name: 'somebody else answers at the address',
    cause: 'wrong-identity',
    object: 'Pod api-0.default',
    command: /^weft proxy-status$/,
    words:
      /answers spiffe:\/\/cluster\.local\/ns\/default\/sa\/api, and not spiffe:\/\/cluster\.local\/ns\/default\/sa\/other/,
    async inject(mesh) {
      const endpoint = mesh.mesh.meshed(mesh.api, 80);
      const peer = { ...endpoint.peer, principal: 'spiffe://cluster.local/ns/default/sa/other' };
      mesh.serve(1, { endpoints: [{ ...endpoint, peer }] });
      await mesh.ask();
    },
  },
  {
    name: "the callee's certificate has expired",
    cause: 'certificate-expired',
    object: 'Pod api-0.default',
    command: /^weft proxy-config secret default\/api-0$/,
    words: /the certificate of pod api-0 has expired/,
    async inject(mesh) {
      mesh.certify(Date.now() - 2 * hourMs, Date.now() - 1_000);
      mesh.serve(1);
      await mesh.ask();
    },
  },
  {
    name: 'the clocks of two nodes differ',
    cause: 'clock-skew',
    object: 'Pod api-0.default',
    command: /^weft check$/,
    words: /not valid yet for pod web-0: the clocks of their nodes differ/,
    async inject(mesh) {
      mesh.certify(Date.now() + hourMs, Date.now() + 2 * hourMs);
      mesh.serve(1);
      await mesh.ask();
    },
  },
  {
    name: 'the proxies are of two meshes',
    cause: 'other-root',
    object: 'Pod api-0.default',
    command: /^weft proxy-config secret default\/api-0$/,
    words: /come from different roots/,
    async inject(mesh) {
      const times = { notBeforeMs: Date.now() - hourMs, notAfterMs: Date.now() + hourMs };
      mesh.certify(times.notBeforeMs, times.notAfterMs, certify({ name: 'other', ca: true, ...times }));
      mesh.serve(1);
      await mesh.ask();
    },
  },
  {
    name: 'the caller has no certificate yet',
    cause: 'no-certificate',
    object: 'Pod web-0.default',
    command: /^kubectl logs -n default web-0 -c weft-proxy$/,
    words: /the proxy of pod web-0 has no certificate yet/,
    options: { web: { certificate: false } },
    async inject(mesh) {
      mesh.serve(1);
      await mesh.ask();
    },
  },
  {
    name: 'a pod that is taken for one of the mesh has no proxy',
    cause: 'peer-not-in-mesh',
    object: 'Pod api-0.default',
    command: /^weft proxy-status$/,
    words: /is called by mutual TLS, and no proxy of the mesh answers there/,
    async inject(mesh) {
      const port = await mesh.app((_, response) => void response.end('ok'));
      mesh.serve(1, { endpoints: [{ ...mesh.mesh.meshed(mesh.api, port), tunnelPort: port }] });
      await mesh.ask();
    },
  },
  {
    name: 'plaintext where STRICT asks for mutual TLS',
    cause: 'plaintext-refused',
    object: 'PeerAuthentication strict.default',
    command: /^kubectl get peerauthentication\.security\.istio\.io strict -n default -o yaml$/,
    words: /called pod api-0 in plaintext, and port 8080 takes mutual TLS only/,
    at: 'api',
    inject: mesh => plaintext(mesh, 'GET / HTTP/1.1\r\nHost: api\r\n\r\n'),
  },
  {
    name: 'plaintext that is no HTTP where STRICT asks for mutual TLS',
    cause: 'plaintext-refused',
    object: 'PeerAuthentication strict.default',
    command: /^kubectl label namespace /,
    words: /called pod api-0 in plaintext/,
    at: 'api',
    inject: mesh => plaintext(mesh, '\x00\x01\x02\x03 some protocol\r\n'),
  },
  {
    name: "a mesh handshake with a certificate that the callee doesn't take",
    cause: 'handshake-refused',
    object: 'Pod api-0.default',
    command: /^weft proxy-config secret default\/api-0$/,
    words: /pod api-0 refused a client/,
    at: 'api',
    async inject(mesh) {
      const hello = clientHello({ serverName: 'api', protocols: [ALPN.h1] });
      const raw = await rawConnection(mesh.api.plane.inboundPort);
      raw.write(Buffer.concat([hello, Buffer.from('garbage that is no TLS record')]));
      await raw.until(({ ended, closed }) => ended || closed);
    },
  },
  {
    name: 'every connection that may be is in use',
    cause: 'pool-full',
    object: 'Service api.default',
    command: /^weft proxy-config clusters default\/web-0$/,
    words: /as many requests wait for a connection as may wait \(0\)/,
    async inject(mesh) {
      mesh.serve(1, {
        settings: {
          limits: {
            maxConnections: 1,
            maxPendingRequests: 0,
            maxRequests: 100,
            maxRequestsPerConnection: 0,
          },
        },
      });
      await mesh.ask();
    },
  },
  {
    name: 'as many requests as may be are under way',
    cause: 'too-many-requests',
    object: 'Service api.default',
    command: /^weft proxy-config clusters default\/web-0$/,
    words: /as many requests are under way as one proxy may send there \(0\)/,
    async inject(mesh) {
      mesh.serve(1, {
        settings: {
          limits: {
            maxConnections: 10,
            maxPendingRequests: 10,
            maxRequests: 0,
            maxRequestsPerConnection: 0,
          },
        },
      });
      await mesh.ask();
    },
  },
  {
    name: 'all but one endpoint are ejected, and the last fails as well',
    cause: 'connect-refused',
    object: undefined,
    command: undefined,
    words: /nobody listens at/,
    note: /endpoints of api\.default were out for failing before \(consecutive-connect-failures\)/,
    async inject(mesh) {
      const endpoints = ['127.0.0.2', '127.0.0.3'].map(address => ({
        ...mesh.mesh.plain(CLOSED_PORT, ''),
        address,
      }));
      mesh.serve(1, {
        endpoints,
        settings: {
          outlier: {
            enabled: true,
            consecutive5xx: 0,
            consecutiveGatewayErrors: 0,
            consecutiveConnectFailures: 1,
            intervalMs: 10_000,
            baseEjectionTimeMs: 60_000,
            maxEjectionTimeMs: 60_000,
            maxEjectionPercent: 100,
            panicThresholdPercent: 0,
          },
        },
      });
      await mesh.ask();
      await new Promise(resolve => setTimeout(resolve, 5));
      await mesh.ask();
    },
  },
  {
    name: 'bytes to an endpoint where nobody listens',
    cause: 'connect-refused',
    object: 'Pod legacy.default',
    command: /^kubectl logs -n default legacy$/,
    words: /nobody listens at/,
    async inject(mesh) {
      mesh.serve(1, { endpoints: [mesh.mesh.plain(CLOSED_PORT, 'legacy')] });
      await mesh.send(`CONNECT ${KEY} HTTP/1.1\r\nHost: ${KEY}\r\n\r\n`);
    },
  },
];
