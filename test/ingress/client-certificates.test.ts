// Certificates of clients (auth-tls-*): the same clients before a real nginx and a gateway, and what nginx leaves open.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request } from 'node:https';
import { type TestContext, test } from 'node:test';
import { certify } from '../../src/ca/testing/odd-certificates.ts';
import {
  authority,
  certificateFor,
  GatewayRig,
  secret,
  service,
  type TestCertificate,
} from '../../src/proxy/gateway/testing/gateway-rig.ts';
import { httpServer } from '../../src/proxy/testing/clients.ts';
import { findNginx, NginxServer } from './nginx-server.ts';

const program = findNginx();
const skip = program === undefined && 'no nginx on PATH or in WEFT_NGINX';
const dayMs = 86_400_000;
const times = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };

const trusted = authority();
const foreign = authority();
const middle = certify({ name: 'middle', ca: true, ...times, issuer: trusted });
const lower = certify({ name: 'lower', ca: true, ...times, issuer: middle });
const of = (name: string, issuer: typeof trusted, more: object = {}): TestCertificate =>
  certify({ name, ...times, purposes: [], issuer, ...more });
const chained = (leaf: TestCertificate, ...above: readonly { pem: string }[]): TestCertificate => ({
  keyPem: leaf.keyPem,
  pem: [leaf, ...above].map(each => each.pem).join(''),
});

const clients: Readonly<Record<string, TestCertificate | undefined>> = {
  nobody: undefined,
  alice: of('alice', trusted),
  bob: of('bob', trusted),
  'of another authority': of('alice', foreign),
  'too old': of('alice', trusted, { notBeforeMs: Date.now() - 2 * dayMs, notAfterMs: Date.now() - dayMs }),
  'by an intermediate': chained(of('alice', middle), middle),
  'by two intermediates': chained(of('alice', lower), lower, middle),
};

interface Case {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly nginx: string;
  /** By client. */
  readonly statuses: Readonly<Record<string, number>>;
}

const cases: readonly Case[] = [
  {
    name: 'on',
    annotations: {},
    nginx: 'ssl_verify_client on; ssl_verify_depth 1;',
    statuses: {
      ...{ nobody: 400, alice: 200, bob: 200, 'of another authority': 400, 'too old': 400 },
      ...{ 'by an intermediate': 200, 'by two intermediates': 400 },
    },
  },
  {
    name: 'deep',
    annotations: { 'auth-tls-verify-depth': '2', 'auth-tls-pass-certificate-to-upstream': 'true' },
    nginx: 'ssl_verify_client on; ssl_verify_depth 2; set $cert $ssl_client_escaped_cert;',
    statuses: { alice: 200, 'by two intermediates': 200 },
  },
  {
    name: 'optional',
    annotations: { 'auth-tls-verify-client': 'optional' },
    nginx: 'ssl_verify_client optional;',
    statuses: { nobody: 200, alice: 200, 'of another authority': 400, 'too old': 400 },
  },
  {
    name: 'any',
    annotations: { 'auth-tls-verify-client': 'optional_no_ca' },
    nginx: 'ssl_verify_client optional_no_ca;',
    statuses: { nobody: 200, alice: 200, 'of another authority': 200, 'too old': 400 },
  },
  {
    name: 'named',
    annotations: { 'auth-tls-match-cn': 'CN=alice' },
    nginx: 'ssl_verify_client on; if ($ssl_client_s_dn !~ CN=alice) { return 403; }',
    statuses: { nobody: 400, alice: 200, bob: 403 },
  },
  {
    name: 'told',
    annotations: { 'auth-tls-error-page': 'https://help.example/certificates' },
    nginx: 'ssl_verify_client on; error_page 495 496 = https://help.example/certificates;',
    statuses: { nobody: 302, alice: 200, 'of another authority': 302 },
  },
];

const own = certificateFor(cases.map(({ name }) => `${name}.example`));

const ingressClass = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: nginx }
spec:
  controller: weft.dev/ingress-controller
  parameters: { apiGroup: gateway.networking.k8s.io, kind: Gateway, namespace: shop, name: edge, scope: Namespace }
---
apiVersion: v1
kind: Secret
metadata: { name: clients, namespace: shop }
data: { ca.crt: ${Buffer.from(trusted.pem).toString('base64')} }
`;

/** JSON is YAML. */
function ingress(name: string, annotations: Readonly<Record<string, string>>): string {
  const all = Object.entries({ 'auth-tls-secret': 'shop/clients', 'ssl-redirect': 'false', ...annotations });
  const backend = { service: { name: 'app', port: { number: 80 } } };
  return `---\n${JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      ...{ name, namespace: 'shop' },
      annotations: Object.fromEntries(
        all.map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
      ),
    },
    spec: {
      ingressClassName: 'nginx',
      tls: [{ hosts: [`${name}.example`], secretName: 'own' }],
      rules: [{ host: `${name}.example`, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
    },
  })}\n`;
}

/** What the app is told of the client, as JSON. */
async function app(t: TestContext): Promise<number> {
  const { port, close } = await httpServer(({ headers }, response) => {
    const told = Object.entries(headers).filter(([field]) => /^ssl[-_]client/.test(field));
    response.end(JSON.stringify(Object.fromEntries(told.toSorted())));
  });
  t.after(close);
  return port;
}

async function gateway(t: TestContext, app: number): Promise<GatewayRig> {
  const ingresses = cases.map(each => ingress(each.name, each.annotations));
  const rig = new GatewayRig([ingressClass, secret('own', own), service('app', app), ...ingresses].join(''));
  t.after(() => rig.close());
  while (rig.plane.gateway!.notReady() !== undefined || rig.port(443) === 0) await new Promise(setImmediate);
  return rig;
}

interface Seen {
  readonly status: number;
  readonly told: Readonly<Record<string, string>>;
  readonly location: string | undefined;
}

async function ask(
  port: number,
  host: string,
  client: TestCertificate | undefined,
  plain = false,
): Promise<Seen> {
  const options = {
    ...{ host: '127.0.0.1', port, agent: false as const },
    headers: {
      host,
      'ssl-client-verify': 'SUCCESS',
      ssl_client_cert: 'mine',
      'Ssl-Client_Subject-Dn': 'CN=root',
    },
  };
  const sent = plain
    ? requestPlain(options)
    : request({
        ...options,
        servername: host,
        rejectUnauthorized: false,
        ...(client && { key: client.keyPem, cert: client.pem }),
      });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  const status = response.statusCode ?? 0;
  return { status, told: status === 200 ? JSON.parse(text) : {}, location: response.headers.location };
}

test('beside nginx: who gets in with which certificate, and what the backend is told of it', {
  skip,
}, async t => {
  const port = await app(t);
  const rig = await gateway(t, port);
  const nginx = await NginxServer.start(
    program!,
    listen =>
      cases
        .map(
          each => `server {
  listen 127.0.0.1:${listen} ssl; server_name ${each.name}.example;
  ssl_certificate own.crt; ssl_certificate_key own.key; ssl_client_certificate clients.crt;
  set $cert ''; ${each.nginx}
  location / {
    proxy_set_header ssl-client-verify $ssl_client_verify; proxy_set_header ssl-client-subject-dn $ssl_client_s_dn;
    proxy_set_header ssl-client-issuer-dn $ssl_client_i_dn; proxy_set_header ssl-client-cert $cert;
    proxy_pass http://127.0.0.1:${port};
  }
}`,
        )
        .join('\n'),
    { 'own.crt': own.pem, 'own.key': own.keyPem, 'clients.crt': trusted.pem },
  );
  t.after(() => nginx.stop());
  for (const each of cases)
    for (const [name, status] of Object.entries(each.statuses)) {
      const host = `${each.name}.example`;
      const theirs = await ask(nginx.port, host, clients[name]);
      const ours = await ask(rig.port(443), host, clients[name]);
      assert.deepEqual(ours, theirs, `${each.name}: ${name}`);
      assert.equal(ours.status, status, `${each.name}: ${name}`);
    }
});

test('what a client claims of its certificate is taken out however it is spelt, and one is demanded in clear, too', async t => {
  const rig = await gateway(t, await app(t));
  const { told } = await ask(rig.port(443), 'optional.example', undefined);
  assert.deepEqual(told, { 'ssl-client-verify': 'NONE' });
  assert.equal((await ask(rig.port(80), 'on.example', undefined, true)).status, 400);
  const passed = await ask(rig.port(443), 'deep.example', clients.alice);
  assert.equal(passed.told['ssl-client-cert'], encodeURIComponent(clients.alice!.pem));
});
