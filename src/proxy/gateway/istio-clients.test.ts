// Whom servers of Istio's Gateways let in, in which versions of TLS, and what a DestinationRule says of both.
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { type OriginatedTls, parseSpiffe } from '../../model/index.ts';
import { httpServer, rawConnection, tcpServer } from '../testing/clients.ts';
import { redirectedOutbound } from '../testing/redirected.ts';
import { credentialsOf, StaticMesh } from '../testing/static-mesh.ts';
import {
  authority,
  certificateFor,
  GatewayRig,
  secret,
  service,
  type TestCertificate,
} from './testing/gateway-rig.ts';

const trusted = authority();
const own = certificateFor(['own']);
const edge = 'cluster.local/ns/shop/sa/edge';

function server(port: number, tls: string, host = '"*"', protocol = 'HTTPS'): string {
  return `{ port: { number: ${port}, name: s-${port}, protocol: ${protocol} }, hosts: [${host}], tls: { ${tls} } }`;
}

function gateway(...servers: readonly string[]): string {
  return `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front, namespace: shop }
spec: { selector: { istio: edge }, servers: [${servers.join(', ')}] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec: { hosts: ["*"], gateways: [front], http: [{ route: [{ destination: { host: a } }] }] }
`;
}

function authoritiesIn(kind: 'Secret' | 'ConfigMap', name: string): string {
  const pem = kind === 'Secret' ? Buffer.from(trusted.pem).toString('base64') : JSON.stringify(trusted.pem);
  return `---
apiVersion: v1
kind: ${kind}
metadata: { name: ${name}, namespace: shop }
data: { ca.crt: ${pem} }
`;
}

async function rig(t: TestContext, yaml: string): Promise<GatewayRig> {
  const { port, close } = await httpServer((_, response) => response.end('here'));
  t.after(close);
  const made = new GatewayRig(yaml + service('a', port) + secret('own', own));
  t.after(() => made.close());
  while (made.plane.gateway!.notReady() !== undefined) await new Promise(resolve => setImmediate(resolve));
  return made;
}

/** The status of a request, and by which TLS it came; '' where nobody was let in. */
async function ask(made: GatewayRig, port: number, options: ConnectionOptions = {}): Promise<string> {
  const socket = connect({
    ...{ port: made.port(port), host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false },
    ...options,
  });
  socket.on('error', () => {});
  let text = '';
  let how = '';
  socket.on('secureConnect', () => {
    how = `${socket.getProtocol()} ${socket.getCipher().name}`;
  });
  socket.on('data', piece => {
    text += String(piece);
  });
  socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
  // `once` would reject where the connection is reset.
  await new Promise(resolve => socket.once('close', resolve));
  return text === '' ? '' : `${/^HTTP\/1.1 (\d+)/.exec(text)?.[1]} ${how}`;
}

const shown = ({ pem, keyPem }: TestCertificate): ConnectionOptions => ({ cert: pem, key: keyPem });

test("of clients with a good certificate those are let in whose name, key or certificate is one of the server's", async t => {
  const client = certificateFor(['Client.example', 'other.example'], trusted);
  const second = certificateFor(['second.example'], trusted);
  const foreign = certificateFor(['client.example'], authority());
  const { fingerprint256, publicKey } = new X509Certificate(client.pem);
  const key = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
  const mutual = 'mode: MUTUAL, credentialName: own, caCertCredentialName: clients';
  const names = 'subjectAltNames: [nobody.example, client.example]';
  const other = `"${Buffer.alloc(32).toString('base64')}"`;
  const yaml = gateway(
    server(1, `${mutual}, ${names}`),
    server(2, `${mutual}, verifyCertificateHash: ["${fingerprint256}"]`),
    server(3, `${mutual}, verifyCertificateSpki: ["${key}"]`),
    // One digest is enough, of whichever sort.
    server(4, `${mutual}, verifyCertificateSpki: [${other}], verifyCertificateHash: ["${fingerprint256}"]`),
    server(5, `${mutual}, ${names}, verifyCertificateSpki: [${other}]`),
    server(6, `${mutual.replace('MUTUAL', 'OPTIONAL_MUTUAL')}, ${names}`),
  );
  const made = await rig(t, yaml + authoritiesIn('ConfigMap', 'clients'));
  for (const port of [1, 2, 3, 4, 6]) {
    assert.match(await ask(made, port, shown(client)), /^200 /, `port ${port}`);
    assert.equal(await ask(made, port, shown(second)), '', `port ${port}: another client`);
    assert.equal(await ask(made, port, shown(foreign)), '', `port ${port}: another authority`);
  }
  assert.equal(await ask(made, 5, shown(client)), '', 'the name alone is not enough');
  assert.equal(await ask(made, 1), '', 'nobody without a certificate');
  assert.match(await ask(made, 6), /^200 /, 'OPTIONAL_MUTUAL');
  assert.match(
    JSON.stringify(made.log.lines),
    /the certificate of the client is for second\.example, and let in are nobody\.example, client\.example/,
  );
});

test("caCertCredentialName is a Secret or a ConfigMap, in place of those that go by the certificate's name", async t => {
  const client = shown(certificateFor(['client'], trusted));
  const servers = gateway(server(1, 'mode: MUTUAL, credentialName: own, caCertCredentialName: clients'));
  const made = await rig(t, servers);
  const others = secret('own', own) + service('a', 1);
  assert.equal(await ask(made, 1, client), '', 'neither is there');
  const until = async (expected: RegExp): Promise<void> => {
    while (!expected.test(await ask(made, 1, client)));
  };
  for (const kind of ['Secret', 'ConfigMap'] as const) {
    made.tell(servers + others + authoritiesIn(kind, 'clients'));
    await until(/^50\d /);
    // Where it were taken by the name of the certificate, the client would go on being let in.
    made.tell(servers + others + authoritiesIn(kind, 'own-cacert'));
    await until(/^$/);
  }
});

test('minProtocolVersion, maxProtocolVersion and cipherSuites are what is spoken', async t => {
  const simple = 'mode: SIMPLE, credentialName: own';
  const made = await rig(
    t,
    gateway(
      server(1, `${simple}, minProtocolVersion: TLSV1_3`),
      server(2, `${simple}, maxProtocolVersion: TLSV1_2`),
      server(
        3,
        `${simple}, minProtocolVersion: TLSV1_0, cipherSuites: [ECDHE-ECDSA-CHACHA20-POLY1305, ECDHE-RSA-CHACHA20-POLY1305]`,
      ),
      server(4, `${simple}, cipherSuites: [NO-SUCH-CIPHER]`),
    ),
  );
  const old = { maxVersion: 'TLSv1.2' } as const;
  assert.match(await ask(made, 1), /^200 TLSv1\.3 /);
  assert.equal(await ask(made, 1, old), '');
  assert.match(await ask(made, 2), /^200 TLSv1\.2 /);
  assert.match(await ask(made, 3, old), /^200 TLSv1\.2 ECDHE-\w+-CHACHA20-POLY1305$/);
  assert.equal(
    await ask(made, 3, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    '',
    'TLS 1.2 at least',
  );
  assert.equal(await ask(made, 4), '');
  assert.match(JSON.stringify(made.log.lines), /NO-SUCH-CIPHER|no cipher match/i);
});

/** A gateway with a certificate of the mesh, and the authority behind it. */
async function inMesh(t: TestContext, yaml: string): Promise<{ made: GatewayRig; mesh: StaticMesh }> {
  const made = await rig(t, yaml);
  const mesh = new StaticMesh();
  t.after(() => mesh.close());
  const { tls } = made.plane.services;
  tls.update(credentialsOf(mesh.ca, parseSpiffe(`spiffe://${edge}`)!));
  tls.tell({ domains: ['cluster.local'] });
  return { made, mesh };
}

/** What comes back to the app of sidecar `name` that says `says` through it to the gateway. */
async function throughSidecar(
  t: TestContext,
  { made, mesh }: { made: GatewayRig; mesh: StaticMesh },
  { name, tls, says, bytes = false }: { name: string; tls?: OriginatedTls; says: string; bytes?: boolean },
): Promise<string> {
  const sidecar = mesh.proxy(name);
  const outbound = redirectedOutbound(sidecar.plane, '10.9.9.9', 443);
  t.after(() => outbound.close());
  const peer = { ...sidecar.peer, workload: 'edge', namespace: 'shop', principal: `spiffe://${edge}` };
  mesh.set({
    key: '10.9.9.9:443',
    endpoints: [{ address: '127.0.0.1', port: made.port(443), tls: 'mesh', peer }],
    retry: { attempts: 0 },
    ...(bytes && { protocol: 'tcp' }),
    ...(tls && { settings: { tls } }),
  });
  const raw = await rawConnection(outbound.port);
  raw.write(says);
  await raw.until(({ text, closed }) => /\n/.test(text) || closed);
  raw.socket.destroy();
  return raw.text.split('\r\n')[0]!;
}

const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';

test("subjectAltNames with ISTIO_MUTUAL: of the mesh those alone, be they sidecars of Weft's or others", async t => {
  const parts = await inMesh(
    t,
    gateway(server(443, 'mode: ISTIO_MUTUAL, subjectAltNames: ["spiffe://cluster.local/ns/default/sa/web"]')),
  );
  const as = (name: string): ConnectionOptions => {
    const id = parseSpiffe(`spiffe://cluster.local/ns/default/sa/${name}`)!;
    const { chainPem, keyPem } = credentialsOf(parts.mesh.ca, id);
    return { cert: chainPem, key: keyPem, ALPNProtocols: ['istio', 'http/1.1'] };
  };
  assert.match(await ask(parts.made, 443, as('web')), /^200 /);
  assert.equal(await ask(parts.made, 443, as('other')), '');
  assert.match(await throughSidecar(t, parts, { name: 'web', says: get }), /200 OK/);
  assert.match(await throughSidecar(t, parts, { name: 'other', says: get }), / 503 /);
  assert.match(
    JSON.stringify(parts.made.log.lines),
    /the client is spiffe:.*\/sa\/other, and let in are spiffe/,
  );
});

test('sni and subjectAltNames of a rule with ISTIO_MUTUAL: which server of a gateway is asked, and who it must be', async t => {
  const [one, two] = await Promise.all(
    ['one', 'two'].map(async name => {
      const upstream = await tcpServer(socket =>
        socket.on('data', piece => socket.write(`${name} has ${piece.length} bytes\n`)),
      );
      t.after(() => upstream.close());
      return service(name, upstream.port);
    }),
  );
  const bytesTo = (name: string): string => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: shop }
spec: { hosts: [${name}.test], gateways: [front], tcp: [{ match: [{ port: 443 }], route: [{ destination: { host: ${name} } }] }] }
`;
  const mutual = 'mode: ISTIO_MUTUAL';
  const yaml = gateway(server(443, mutual, 'one.test', 'TLS'), server(443, mutual, 'two.test', 'TLS'));
  const parts = await inMesh(t, yaml + one + two + bytesTo('one') + bytesTo('two'));
  const said = (tls: Partial<OriginatedTls>): Promise<string> =>
    throughSidecar(t, parts, { name: 'web', tls: { mode: 'mesh', ...tls }, says: 'bytes\n', bytes: true });
  assert.equal(await said({ serverName: 'one.test' }), 'one has 6 bytes\n');
  assert.equal(await said({ serverName: 'two.test' }), 'two has 6 bytes\n');
  assert.equal(await said({ serverName: 'three.test' }), '', 'no server of the gateway is for it');
  const itself = {
    serverName: 'one.test',
    subjectAltNames: ['spiffe://cluster.local/x', `spiffe://${edge}`],
  };
  assert.equal(await said(itself), 'one has 6 bytes\n');
  assert.equal(await said({ ...itself, subjectAltNames: ['spiffe://cluster.local/ns/shop/sa/other'] }), '');
});
