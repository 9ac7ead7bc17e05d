// TLS to backends (proxy-ssl-*): the same backends behind a real nginx and a gateway: which are trusted, and what they are shown.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { certify } from '../../src/ca/testing/odd-certificates.ts';
import {
  authority,
  GatewayRig,
  service,
  type TestCertificate,
} from '../../src/proxy/gateway/testing/gateway-rig.ts';
import { findNginx, NginxServer } from './nginx-server.ts';

const program = findNginx();
const skip = program === undefined && 'no nginx on PATH or in WEFT_NGINX';
const dayMs = 86_400_000;
const times = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };
const trusted = authority();
const foreign = authority();
const middle = certify({ name: 'middle', ca: true, ...times, issuer: trusted });
const lower = certify({ name: 'lower', ca: true, ...times, issuer: middle });
const of = (issuer: typeof trusted, name = 'backend.example'): TestCertificate =>
  certify({ name, dnsNames: [name], ...times, purposes: [], issuer });
const chained = (leaf: TestCertificate, ...above: readonly { pem: string }[]): TestCertificate => ({
  keyPem: leaf.keyPem,
  pem: [leaf, ...above].map(each => each.pem).join(''),
});

const backends: Readonly<Record<string, TestCertificate>> = {
  good: of(trusted),
  foreign: of(foreign),
  misnamed: of(trusted, 'other.example'),
  deep: chained(of(middle), middle),
  deeper: chained(of(lower), lower, middle),
};

const verified = {
  'proxy-ssl-secret': 'shop/backends',
  'proxy-ssl-verify': 'on',
  'proxy-ssl-name': 'backend.example',
};
const verifying =
  'proxy_ssl_trusted_certificate trusted.crt; proxy_ssl_verify on; proxy_ssl_name backend.example; proxy_ssl_certificate own.crt; proxy_ssl_certificate_key own.key;';

interface Case {
  readonly name: string;
  readonly backend: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly nginx: string;
  readonly good: boolean;
}

const cases: readonly Case[] = [
  { name: 'unasked', backend: 'foreign', annotations: {}, nginx: '', good: true },
  { name: 'good', backend: 'good', annotations: verified, nginx: verifying, good: true },
  { name: 'foreign', backend: 'foreign', annotations: verified, nginx: verifying, good: false },
  { name: 'misnamed', backend: 'misnamed', annotations: verified, nginx: verifying, good: false },
  { name: 'deep', backend: 'deep', annotations: verified, nginx: verifying, good: true },
  { name: 'deeper', backend: 'deeper', annotations: verified, nginx: verifying, good: false },
  {
    name: 'deeper-let',
    backend: 'deeper',
    annotations: { ...verified, 'proxy-ssl-verify-depth': '2' },
    nginx: `${verifying} proxy_ssl_verify_depth 2;`,
    good: true,
  },
  {
    name: 'named',
    backend: 'good',
    annotations: { ...verified, 'proxy-ssl-server-name': 'on', 'proxy-ssl-protocols': 'TLSv1.2' },
    nginx: `${verifying} proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.2;`,
    good: true,
  },
  {
    name: 'suites',
    backend: 'good',
    annotations: {
      ...{ 'proxy-ssl-secret': 'backends', 'proxy-ssl-protocols': 'TLSv1.1 TLSv1.2' },
      'proxy-ssl-ciphers': 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384',
    },
    nginx:
      'proxy_ssl_certificate own.crt; proxy_ssl_certificate_key own.key; proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384;',
    good: true,
  },
];

const own = certify({ name: 'edge', ...times, purposes: [], issuer: trusted });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const classAndSecret = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: nginx }
spec:
  controller: weft.dev/ingress-controller
  parameters: { apiGroup: gateway.networking.k8s.io, kind: Gateway, namespace: shop, name: edge, scope: Namespace }
---
apiVersion: v1
kind: Secret
metadata: { name: backends, namespace: shop }
data: { ca.crt: ${base64(trusted.pem)}, tls.crt: ${base64(own.pem)}, tls.key: ${base64(own.keyPem)} }
`;

/** JSON is YAML. */
function ingress({ name, annotations }: Case): string {
  const all = Object.entries({ 'backend-protocol': 'HTTPS', 'proxy-next-upstream': 'off', ...annotations });
  const backend = { service: { name: `b-${name}`, port: { number: 80 } } };
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
      rules: [{ host: `${name}.example`, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
    },
  })}\n`;
}

/** Says what it was shown: the certificate's name, the version of TLS, the suite of TLS 1.2, and the name it was asked for by. */
async function backend(t: TestContext, { keyPem, pem }: TestCertificate): Promise<number> {
  const server = createServer({ key: keyPem, cert: pem, requestCert: true, rejectUnauthorized: false });
  server.on('request', ({ socket }, response) => {
    const tls = socket as TLSSocket & { readonly servername?: string | false };
    const shown = tls.getPeerCertificate().subject?.CN ?? 'nothing';
    const version = tls.getProtocol();
    const suite = version === 'TLSv1.2' ? tls.getCipher().name : '';
    response.end([shown, version, suite, tls.servername === 'backend.example'].join(' '));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function ask(port: number, host: string): Promise<{ readonly status: number; readonly text: string }> {
  const sent = request({ host: '127.0.0.1', port, agent: false, headers: { host } }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  return { status: response.statusCode ?? 0, text };
}

test('beside nginx: which backends are trusted by their certificates, and what they are shown', {
  skip,
}, async t => {
  const ports = new Map<string, number>();
  for (const [name, certificate] of Object.entries(backends)) ports.set(name, await backend(t, certificate));
  const all = cases.map(each => ingress(each) + service(`b-${each.name}`, ports.get(each.backend)!));
  const rig = new GatewayRig([classAndSecret, ...all].join(''));
  t.after(() => rig.close());
  while (rig.plane.gateway!.notReady() !== undefined || rig.port(80) === 0) await new Promise(setImmediate);
  const nginx = await NginxServer.start(
    program!,
    listen =>
      cases
        .map(
          each => `server { listen 127.0.0.1:${listen}; server_name ${each.name}.example; proxy_ssl_protocols TLSv1.2 TLSv1.3;
  location / { ${each.nginx} proxy_pass https://127.0.0.1:${ports.get(each.backend)}; } }`,
        )
        .join('\n'),
    { 'trusted.crt': trusted.pem, 'own.crt': own.pem, 'own.key': own.keyPem },
  );
  t.after(() => nginx.stop());
  for (const each of cases) {
    const host = `${each.name}.example`;
    const [theirs, ours] = [await ask(nginx.port, host), await ask(rig.port(80), host)];
    assert.equal(theirs.status, each.good ? 200 : 502, `nginx: ${each.name}`);
    assert.equal(ours.status, each.good ? 200 : 503, `${each.name}: ${ours.text}`);
    if (each.good) assert.equal(ours.text, theirs.text, each.name);
    else assert.match(ours.text, /certificate|authorit/, each.name);
  }
});
