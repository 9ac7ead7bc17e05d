// What gateways send by TLS, from BackendTLSPolicies and Gateways to real servers of TLS.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { certify } from '../../ca/testing/odd-certificates.ts';
import {
  authority,
  certificateFor,
  GatewayRig,
  gateway,
  route,
  secret,
  service,
} from './testing/gateway-rig.ts';

const trusted = authority();
const dayMs = 86_400_000;

/** A server of these names, signed by `trusted`, that answers what it was asked for by SNI and who its client is. */
async function upstream(
  t: TestContext,
  names: { readonly dnsNames?: string[]; readonly uris?: string[] },
  demands = false,
): Promise<number> {
  const now = Date.now();
  const { pem, keyPem } = certify({
    ...{ name: 'upstream', purposes: [], issuer: trusted, ...names },
    ...{ notBeforeMs: now - dayMs, notAfterMs: now + dayMs },
  });
  const server = createServer({
    ...{ cert: pem, key: keyPem, ca: trusted.pem },
    ...{ requestCert: true, rejectUnauthorized: demands },
  });
  server.on('request', (incoming: IncomingMessage, response) => {
    const socket = incoming.socket as TLSSocket;
    const { CN = 'nobody' } = (socket.getPeerCertificate().subject ?? {}) as { CN?: string };
    response.end(`${socket.servername ?? ''} ${CN}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

function policy(name: string, validation: string, more = ''): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: ${name}, namespace: shop }
spec:
  targetRefs: [{ group: "", kind: Service, name: ${name} }]
  validation: { ${validation} }
  ${more}
`;
}

function configMap(name: string, pem: string): string {
  return `---
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: shop }
data: { ca.crt: ${JSON.stringify(pem)} }
`;
}

const ca = 'caCertificateRefs: [{ group: "", kind: ConfigMap, name: ca }]';
const http = '{ name: http, port: 80, protocol: HTTP }';

async function rig(t: TestContext, yaml: string): Promise<GatewayRig> {
  const made = new GatewayRig(yaml);
  t.after(() => made.close());
  await until(() => made.plane.gateway!.notReady() === undefined);
  return made;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setImmediate(resolve));
}

async function ask(made: GatewayRig, host: string): Promise<{ status: number; text: string }> {
  const sent = request({ host: '127.0.0.1', port: made.port(80), headers: { host }, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response) text += String(piece);
  return { status: response.statusCode!, text };
}

/** One Service and route for each name. */
function all(ports: Record<string, number>): string {
  return Object.entries(ports)
    .map(([name, port]) => service(name, port) + route(name, name, `${name}.test`))
    .join('');
}

test('upstreams of a BackendTLSPolicy are spoken to by TLS, with its hostname as server name; another name or another authority is a 503', async t => {
  const port = await upstream(t, { dnsNames: ['abc.example.com'] });
  const made = await rig(
    t,
    gateway(http) +
      all({ good: port, mismatch: port, foreign: port, none: port, garbage: port, clear: port }) +
      policy('good', `hostname: abc.example.com, ${ca}`) +
      policy('mismatch', `hostname: other.example.com, ${ca}`) +
      policy('foreign', `hostname: abc.example.com, ${ca.replace('ca }', 'foreign }')}`) +
      policy('none', `hostname: abc.example.com, ${ca.replace('ca }', 'none }')}`) +
      policy('garbage', `hostname: abc.example.com, ${ca.replace('ca }', 'garbage }')}`) +
      configMap('ca', trusted.pem) +
      configMap('foreign', authority().pem) +
      configMap('garbage', '-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----'),
  );
  assert.deepEqual(await ask(made, 'good.test'), { status: 200, text: 'abc.example.com nobody' });
  const refused = async (name: string): Promise<string> => {
    const { status, text } = await ask(made, `${name}.test`);
    assert.equal(status, 503, name);
    return text;
  };
  assert.match(await refused('mismatch'), /altnames|other\.example\.com/);
  assert.match(await refused('foreign'), /another root/);
  assert.match(await refused('none'), /no authority that is there \(ConfigMap shop\/none/);
  await refused('garbage');
  // Nobody has said that this one speaks TLS.
  assert.notEqual((await ask(made, 'clear.test')).text, 'abc.example.com nobody');
});

test('of several names one is enough, each by its sort; the hostname is then only the server name', async t => {
  const port = await upstream(t, { dnsNames: ['*.example.com'], uris: ['spiffe://abc.example.com/test'] });
  const san = (names: string): string => `hostname: sni.test, ${ca}, subjectAltNames: [${names}]`;
  const made = await rig(
    t,
    gateway(http) +
      configMap('ca', trusted.pem) +
      all({ dns: port, uri: port, several: port, 'not-dns': port, 'not-uri': port, deep: port, sort: port }) +
      policy('dns', san('{ type: Hostname, hostname: abc.example.com }')) +
      policy('uri', san('{ type: URI, uri: "spiffe://abc.example.com/test" }')) +
      policy(
        'several',
        san('{ type: Hostname, hostname: x.test }, { type: URI, uri: "spiffe://abc.example.com/test" }'),
      ) +
      policy('not-dns', san('{ type: Hostname, hostname: abc.example.org }')) +
      policy('not-uri', san('{ type: URI, uri: "spiffe://abc.example.com/other" }')) +
      policy('deep', san('{ type: Hostname, hostname: a.b.example.com }')) +
      policy('sort', san('{ type: Hostname, hostname: "spiffe://abc.example.com/test" }')),
  );
  for (const good of ['dns', 'uri', 'several'])
    assert.deepEqual(await ask(made, `${good}.test`), { status: 200, text: 'sni.test nobody' }, good);
  for (const bad of ['not-dns', 'not-uri', 'deep', 'sort'])
    assert.equal((await ask(made, `${bad}.test`)).status, 503, bad);
});

test('a Gateway shows its own certificate to upstreams that demand one, and another one from the moment that it has it', async t => {
  const port = await upstream(t, { dnsNames: ['abc.example.com'] }, true);
  const objects = (client: string, more = ''): string =>
    gateway(http, '{}', 'tls: { backend: { clientCertificateRef: { name: client } } },') +
    configMap('ca', trusted.pem) +
    all({ good: port }) +
    policy('good', `hostname: abc.example.com, ${ca}`, more) +
    client;
  const made = await rig(t, objects(secret('client', certificateFor(['first'], trusted))));
  assert.deepEqual(await ask(made, 'good.test'), { status: 200, text: 'abc.example.com first' });
  made.tell(
    objects(
      secret('client', certificateFor(['second'], trusted)),
      'options: { weft.dev/max-version: TLSv1.2 }',
    ),
  );
  assert.deepEqual(await ask(made, 'good.test'), { status: 200, text: 'abc.example.com second' });
  made.tell(objects('', 'options: { weft.dev/min-version: TLSv1.2 }'));
  const { status, text } = await ask(made, 'good.test');
  assert.equal(status, 503);
  assert.match(text, /Secret shop\/client does not exist/);
});

test('when the authorities change, no request goes on a connection from before', async t => {
  const port = await upstream(t, { dnsNames: ['abc.example.com'] });
  const objects = (pem: string): string =>
    gateway(http) +
    all({ good: port }) +
    policy('good', `hostname: abc.example.com, ${ca}`) +
    configMap('ca', pem);
  const made = await rig(t, objects(trusted.pem));
  assert.equal((await ask(made, 'good.test')).status, 200);
  made.tell(objects(authority().pem));
  assert.equal((await ask(made, 'good.test')).status, 503);
  made.tell(objects(trusted.pem));
  assert.equal((await ask(made, 'good.test')).status, 200);
});
