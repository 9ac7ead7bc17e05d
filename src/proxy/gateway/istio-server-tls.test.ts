// How servers of Istio's Gateways end TLS beside Secrets: by files of the proxy, and by the mesh's own certificates.
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { parseSpiffe } from '../../model/index.ts';
import { type Clock, systemClock } from '../../time/index.ts';
import { httpServer, rawConnection } from '../testing/clients.ts';
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

function gateway(tls: string, more = ''): string {
  return `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front, namespace: shop }
spec: { selector: { istio: edge }, servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: ["*"], tls: { ${tls} } }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec: { hosts: ["*"], gateways: [front], http: [{ route: [{ destination: { host: a } }] }] }
${more}`;
}

/** The system's clock; what is done every five seconds is done when a test says so. */
function clockWithTicks(): { clock: Clock; tick(): void } {
  const jobs = new Set<() => void>();
  const clock = Object.assign(Object.create(systemClock) as Clock, {
    every(ms: number, job: () => void) {
      if (ms !== 5_000) return systemClock.every(ms, job);
      jobs.add(job);
      return () => void jobs.delete(job);
    },
  });
  return { clock, tick: () => jobs.forEach(job => void job()) };
}

async function rig(t: TestContext, yaml: string, clock?: Clock): Promise<GatewayRig> {
  const { port, close } = await httpServer((request, response) =>
    response.end(String(request.headers['x-forwarded-client-cert'] ?? 'here')),
  );
  t.after(close);
  const made = new GatewayRig(yaml + service('a', port), clock);
  t.after(() => made.close());
  while (made.plane.gateway!.notReady() !== undefined) await new Promise(resolve => setImmediate(resolve));
  return made;
}

/** Who the server is, and what it says; '' for nothing. */
async function ask(made: GatewayRig, options: ConnectionOptions = {}): Promise<string> {
  const socket = connect({
    ...{ port: made.port(443), host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false },
    ...options,
  });
  socket.on('error', () => {});
  let text = '';
  socket.on('data', piece => {
    text += String(piece);
  });
  let name = '';
  socket.on('secureConnect', () => {
    name = socket.getPeerCertificate().subject?.CN as string;
  });
  socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
  // `once` would reject where the connection is reset.
  await new Promise(resolve => socket.once('close', resolve));
  return text === '' ? '' : `${name} ${/^HTTP\/1.1 (\d+)/.exec(text)?.[1]}`;
}

function folder(t: TestContext): { at(name: string): string; put(name: string, text: string): void } {
  const path = mkdtempSync(join(tmpdir(), 'weft-listener-'));
  t.after(() => rmSync(path, { recursive: true }));
  const at = (name: string): string => join(path, name);
  return {
    at,
    // As the kubelet does it: never half a file.
    put: (name, text) => {
      writeFileSync(at('new'), text);
      renameSync(at('new'), at(name));
    },
  };
}

test('a certificate in files is shown, and another one as soon as the files hold that; a bad one leaves the last', async t => {
  const files = folder(t);
  const put = ({ pem, keyPem }: TestCertificate): void => {
    files.put('tls.crt', pem);
    files.put('tls.key', keyPem);
  };
  const { clock, tick } = clockWithTicks();
  const server = gateway(
    `mode: SIMPLE, serverCertificate: ${files.at('tls.crt')}, privateKey: ${files.at('tls.key')}`,
  );
  const made = await rig(t, server, clock);
  assert.equal(await ask(made), '', 'no file is there yet');
  assert.ok(
    made.log.lines.some(({ message }) =>
      /tls\.crt cannot be read .*is it mounted into the gateway's pod\?$/.test(message),
    ),
  );
  put(certificateFor(['first']));
  tick();
  assert.equal(await ask(made), 'first 200');
  const [second, third] = [certificateFor(['second']), certificateFor(['third'])];
  put(second);
  assert.equal(await ask(made), 'first 200', 'nobody has looked since');
  tick();
  assert.equal(await ask(made), 'second 200');
  files.put('tls.crt', third.pem);
  tick();
  assert.equal(await ask(made), 'second 200', 'the key is not its own yet');
  assert.ok(
    made.log.lines.some(({ message }) =>
      /tls\.crt and .*tls\.key: the private key does not belong/.test(message),
    ),
  );
  files.put('tls.key', third.keyPem);
  tick();
  assert.equal(await ask(made), 'third 200');
  rmSync(files.at('tls.crt'));
  tick();
  assert.equal(await ask(made), 'third 200', 'a file that is gone');
});

test('MUTUAL by files takes clients of the authorities in caCertificates, as they are now; without any, nobody', async t => {
  const files = folder(t);
  const own = certificateFor(['own']);
  files.put('tls.crt', own.pem);
  files.put('tls.key', own.keyPem);
  const { clock, tick } = clockWithTicks();
  const made = await rig(
    t,
    gateway(
      `mode: MUTUAL, serverCertificate: ${files.at('tls.crt')}, privateKey: ${files.at('tls.key')}, caCertificates: ${files.at('ca.crt')}`,
    ),
    clock,
  );
  const client = certificateFor(['client'], trusted);
  const shown = { cert: client.pem, key: client.keyPem };
  assert.equal(await ask(made, shown), '', 'no file of authorities is there');
  files.put('ca.crt', authority().pem);
  tick();
  assert.equal(await ask(made, shown), '', 'others');
  files.put('ca.crt', trusted.pem);
  tick();
  assert.equal(await ask(made, shown), 'own 200');
  assert.equal(await ask(made), '', 'and nobody without one');
});

test('where no authority of clients can be had, those of the system are not taken in its place', async t => {
  const system = getCACertificates('default');
  setDefaultCACertificates([...system, trusted.pem]);
  t.after(() => setDefaultCACertificates(system));
  const made = await rig(
    t,
    gateway('mode: MUTUAL, credentialName: own') + secret('own', certificateFor(['own'])),
  );
  const client = certificateFor(['client'], trusted);
  assert.equal(await ask(made, { cert: client.pem, key: client.keyPem }), '');
});

test('ISTIO_MUTUAL shows the certificate of the proxy, and takes clients of the mesh: who they are counts in policies', async t => {
  const policy = `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: web, namespace: shop }
spec: { selector: { matchLabels: { istio: edge } }, rules: [{ from: [{ source: { principals: [cluster.local/ns/default/sa/web] } }] }] }
`;
  const made = await rig(t, gateway('mode: ISTIO_MUTUAL', policy));
  const mesh = new StaticMesh();
  t.after(() => mesh.close());
  assert.equal(await ask(made), '', 'the gateway has no certificate of the mesh yet');
  assert.match(JSON.stringify(made.access.records), /this gateway has no certificate of the mesh yet/);
  const as = (id: string) => credentialsOf(mesh.ca, parseSpiffe(`spiffe://cluster.local/ns/${id}`)!);
  const { tls } = made.plane.services;
  tls.update(as('shop/sa/edge'));
  tls.tell({ domains: ['cluster.local'] });
  const shown = (id: string): ConnectionOptions => {
    const { chainPem, keyPem } = as(id);
    return { cert: chainPem, key: keyPem, ALPNProtocols: ['istio', 'http/1.1'] };
  };
  assert.match(await ask(made, shown('default/sa/web')), / 200$/);
  assert.match(await ask(made, shown('default/sa/other')), / 403$/);
  assert.equal(await ask(made), '', 'who shows nothing');
  const foreign = certificateFor(['web'], trusted);
  assert.equal(await ask(made, { cert: foreign.pem, key: foreign.keyPem }), '');
  for (const [name, answer] of [
    ['web', /^HTTP\/1\.1 200 OK/],
    ['other', /^HTTP\/1\.1 403 /],
  ] as const) {
    const sidecar = mesh.proxy(name);
    const outbound = redirectedOutbound(sidecar.plane, '10.9.9.9', 443);
    t.after(() => outbound.close());
    const edge = {
      ...sidecar.peer,
      workload: 'edge',
      namespace: 'shop',
      principal: 'spiffe://cluster.local/ns/shop/sa/edge',
    };
    mesh.set({
      key: '10.9.9.9:443',
      endpoints: [{ address: '127.0.0.1', port: made.port(443), tls: 'mesh', peer: edge }],
      retry: { attempts: 0 },
    });
    const raw = await rawConnection(outbound.port);
    raw.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await raw.until(({ text, closed }) => /\r\n\r\n/.test(text) || closed);
    raw.socket.destroy();
    assert.match(raw.text, answer, `${name}: a sidecar of Weft's`);
  }
});
