// TLS to upstreams by DestinationRules that name a Secret (credentialName), at gateways and at sidecars, to real servers of TLS.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { certify } from '../../ca/testing/odd-certificates.ts';
import { YamlSidecar } from '../testing/yaml-sidecar.ts';
import {
  authority,
  certificateFor,
  GatewayRig,
  secret,
  type TestCertificate,
} from './testing/gateway-rig.ts';

const trusted = authority();
const foreign = authority();
const dayMs = 86_400_000;

/** A server for `api.example`, signed by `trusted`, that answers what it was asked for by SNI and who its client is. */
async function upstream(t: TestContext): Promise<number> {
  const now = Date.now();
  const { pem, keyPem } = certify({
    ...{ name: 'upstream', purposes: [], issuer: trusted, dnsNames: ['api.example', 'other.example'] },
    ...{ notBeforeMs: now - dayMs, notAfterMs: now + dayMs },
  });
  const server = createServer({
    cert: pem,
    key: keyPem,
    ca: trusted.pem,
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.on('request', (incoming: IncomingMessage, response) => {
    const socket = incoming.socket as TLSSocket;
    const { CN = 'nobody' } = (socket.getPeerCertificate().subject ?? {}) as { CN?: string };
    // Each request on a connection of its own, so that each shows what holds now.
    response.setHeader('connection', 'close');
    response.end(`${String(socket.servername)} ${socket.authorized ? CN : 'nobody'}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

function serviceEntry(port: number): string {
  return `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api, namespace: shop }
spec:
  hosts: [api.example]
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: ${port} }]
  endpoints: [{ address: 127.0.0.1 }]
`;
}

function rule(tls: string, more = ''): string {
  return `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: api, namespace: shop }
spec:
  host: api.example
  ${more}
  trafficPolicy: { tls: { ${tls} } }
`;
}

function opaque(name: string, data: Readonly<Record<string, string>>, namespace = 'shop'): string {
  const encoded = Object.entries(data).map(
    ([key, text]) => `${key}: ${Buffer.from(text).toString('base64')}`,
  );
  return `---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: ${namespace} }
data: { ${encoded.join(', ')} }
`;
}

const atGateway = `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front, namespace: shop }
spec: { selector: { istio: edge }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: api, namespace: shop }
spec: { hosts: [api.example], gateways: [front], http: [{ retries: { attempts: 0 }, route: [{ destination: { host: api.example, port: { number: 80 } } }] }] }
`;

async function ask(port: number, target: string): Promise<string> {
  const sent = request({
    host: '127.0.0.1',
    port,
    path: target,
    headers: { host: 'api.example' },
    agent: false,
  });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response) text += String(piece);
  return response.statusCode === 200 ? text : `${response.statusCode} ${text}`;
}

/** Whatever speaks TLS for its clients, told new objects whenever a test says so. */
interface Proxy {
  tell(yaml: string): void;
  ask(): Promise<string>;
}

async function gateway(t: TestContext, yaml: string): Promise<Proxy> {
  const made = new GatewayRig(yaml + atGateway);
  t.after(() => made.close());
  while (made.plane.gateway!.notReady() !== undefined) await new Promise(resolve => setImmediate(resolve));
  return { tell: next => made.tell(next + atGateway), ask: () => ask(made.port(80), '/') };
}

function sidecar(t: TestContext, yaml: string): Proxy {
  const made = new YamlSidecar(yaml, { namespace: 'shop', labels: { app: 'web' } });
  t.after(() => made.close());
  return { tell: next => made.tell(next), ask: () => ask(made.port, 'http://api.example/') };
}

const client = (name: string): TestCertificate => certificateFor([name], trusted);
const selects = 'workloadSelector: { matchLabels: { app: web } }';

for (const [where, open, more] of [
  ['a gateway', gateway, ''],
  ['a sidecar that its rule selects', sidecar, selects],
] as const) {
  test(`SIMPLE at ${where}: authorities come from the Secret or the one beside it, names from the rule`, async t => {
    const entry = serviceEntry(await upstream(t));
    const good = opaque('api', { cacert: trusted.pem });
    const proxy = await open(
      t,
      entry + rule('mode: SIMPLE, credentialName: api, sni: api.example', more) + good,
    );
    assert.equal(await proxy.ask(), 'api.example nobody');
    proxy.tell(
      entry +
        rule('mode: SIMPLE, credentialName: api', more) +
        opaque('api-cacert', { 'ca.crt': trusted.pem }),
    );
    assert.equal(await proxy.ask(), 'api.example nobody', 'the host is the server name where no sni is said');
    const named = 'mode: SIMPLE, credentialName: api, sni: other.example, subjectAltNames';
    proxy.tell(entry + rule(`${named}: [api.example]`, more) + good);
    assert.equal(await proxy.ask(), 'other.example nobody');
    proxy.tell(entry + rule(`${named}: [evil.example]`, more) + good);
    assert.match(await proxy.ask(), /^503 .*expected evil\.example/);
    proxy.tell(
      entry + rule('mode: SIMPLE, credentialName: api', more) + opaque('api', { cacert: foreign.pem }),
    );
    assert.match(await proxy.ask(), /^503 .*comes from another root/);
    proxy.tell(entry + rule('mode: SIMPLE, credentialName: api, insecureSkipVerify: true', more));
    assert.equal(await proxy.ask(), 'api.example nobody', 'nothing is to be verified, so nothing is missing');
  });

  test(`MUTUAL at ${where} shows the certificate of the Secret, and another one as soon as it holds that`, async t => {
    const entry = serviceEntry(await upstream(t));
    const mutual =
      entry + rule('mode: MUTUAL, credentialName: api', more) + opaque('api-cacert', { cacert: trusted.pem });
    const proxy = await open(t, mutual + secret('api', client('first')));
    assert.equal(await proxy.ask(), 'api.example first');
    proxy.tell(mutual + secret('api', client('second')));
    assert.equal(await proxy.ask(), 'api.example second');
    const { pem, keyPem } = client('third');
    proxy.tell(mutual + opaque('api', { cert: pem, key: keyPem }));
    assert.equal(await proxy.ask(), 'api.example third', 'under the keys that Istio had first');
    proxy.tell(mutual + secret('api', { ...client('broken'), keyPem }));
    assert.equal(
      await proxy.ask(),
      'api.example third',
      'a key of another certificate: the last good one stays',
    );
    proxy.tell(mutual + opaque('api', { cacert: trusted.pem }));
    assert.match(await proxy.ask(), /^503 .*Secret shop\/api has no certificate and key to show/);
    proxy.tell(mutual + opaque('api', { cert: pem, key: keyPem }, 'vault'));
    assert.match(
      await proxy.ask(),
      /^503 .*there is no Secret shop\/api that the control plane may read; make it, and give the right \(docs\/rights\.md\)/,
    );
  });
}

test('without authorities nobody is trusted', async t => {
  const entry = serviceEntry(await upstream(t));
  const proxy = await gateway(
    t,
    entry + rule('mode: SIMPLE, credentialName: api') + secret('api', client('a')),
  );
  assert.match(await proxy.ask(), /^503 .*neither Secret shop\/api nor api-cacert has authorities/);
});

test('at a sidecar that the rule does not select the Secret does not hold, and is not told', async t => {
  const entry = serviceEntry(await upstream(t));
  const rest = secret('api', client('a')) + opaque('api-cacert', { cacert: trusted.pem });
  const unselected = sidecar(t, entry + rule('mode: MUTUAL, credentialName: api') + rest);
  assert.match(
    await unselected.ask(),
    /^503 .*names Secret api, which holds at gateways; give the rule a workloadSelector/,
  );
  const yaml = entry + rule('mode: MUTUAL, credentialName: api', selects) + rest;
  for (const [caller, isTold] of [
    [{ namespace: 'shop', labels: { app: 'web' } }, true],
    [{ namespace: 'shop', labels: { app: 'other' } }, false],
    [{ namespace: 'blog', labels: { app: 'web' } }, false],
  ] as const) {
    const made = new YamlSidecar(yaml, caller);
    t.after(() => made.close());
    const { why } = made.certificate('certificate/shop/api');
    assert.equal(why === undefined, isTold, JSON.stringify(caller));
    const { why: asGateway } = made.certificate('certificate/shop/edge/shop/api');
    assert.match(asGateway ?? '', /gateway shop\/edge, .* does not name Secret shop\/api/);
  }
});
