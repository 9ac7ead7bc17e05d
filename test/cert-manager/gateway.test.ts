// A Certificate of cert-manager's, verbatim of Sentinel's documentation: a gateway serves the Secret that it writes, and what it
// is renewed to.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, type TestContext, test } from 'node:test';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { parse } from 'yaml';
import { CertificateAuthority } from '../../src/ca/index.ts';
import { gatewayObjects, gatewayPlan, installOptions } from '../../src/cli/install/index.ts';
import { ApiError } from '../../src/kubernetes/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { openApiServer, type TestApiServer } from '../kubernetes/support/api-server.ts';
import { defineKind } from '../kubernetes/support/custom-resources.ts';
import { startInjector } from '../kubernetes/support/injector.ts';
import {
  apply,
  makeAccount,
  makeControlPlaneAccount,
  makePod,
  tokenOf,
  until,
} from '../kubernetes/support/objects.ts';
import {
  defineCertManager,
  makeCaIssuer,
  noCertManager,
  setCondition,
  startCertManager,
  writeCaSecret,
} from './support.ts';

const name = 'sentinel.default.svc.cluster.local';
const group = 'gateway.networking.k8s.io';
const certificates = '/apis/cert-manager.io/v1/namespaces/default/certificates';
const authority = CertificateAuthority.createRoot({ trustDomain: 'mesh-ca', clock: systemClock });
let api: TestApiServer;
let kubeconfig: string;

before(async () => {
  if (noCertManager) return;
  api = await openApiServer();
  const { client } = api;
  kubeconfig = await api.kubeconfigOf(await makeControlPlaneAccount(client, 'weft-injector'));
  for (const [kind, plural] of Object.entries({ Gateway: 'gateways', HTTPRoute: 'httproutes' }))
    await defineKind(client, { ...{ group, version: 'v1' }, ...{ kind, plural } });
  const rights = gatewayObjects(installOptions(), gatewayPlan('default/edge', '443'));
  for (const object of rights.filter(({ kind }) => kind.startsWith('Role')))
    await apply(
      client,
      `/apis/rbac.authorization.k8s.io/v1/namespaces/default/${object.kind.toLowerCase()}s`,
      object,
    );
  await defineCertManager(client);
  await writeCaSecret(client, 'mesh-ca', authority.parts);
});

after(async () => {
  if (!noCertManager) await api.close();
});

test("a gateway serves the Secret of a Certificate of cert-manager's, and the renewed one in place", {
  skip: noCertManager,
}, async context => {
  await startCertManager(context, api.kubeconfig);
  await makeCaIssuer(api.client, 'mesh-ca', 'mesh-ca');
  const text = await readFile(join(import.meta.dirname, 'sentinel-client-cert.yaml'), 'utf8');
  await apply(api.client, certificates, parse(text) as object);
  const [port = 0] = await freePorts(1);
  await apply(api.client, `/apis/${group}/v1/namespaces/default/gateways`, {
    ...{ apiVersion: `${group}/v1`, kind: 'Gateway', metadata: { name: 'edge' } },
    spec: {
      gatewayClassName: 'weft',
      listeners: [
        {
          ...{ name: 'https', port, protocol: 'HTTPS', hostname: name },
          tls: { certificateRefs: [{ name: 'sentinel-client-tls' }] },
        },
      ],
    },
  });
  const log = await startGateway(context);
  let first: TLSSocket | undefined;
  await until('a certificate of cert-manager', async () => {
    first = await shake(context, port).catch(() => undefined);
    return first !== undefined;
  });
  const before = first!.getPeerCertificate();
  assert.equal(before.subjectaltname, `DNS:${name}`);

  await setCondition(api.client, `${certificates}/sentinel-client-cert`, 'Issuing', 'renewed by hand');
  let renewed: PeerCertificate | undefined;
  await until('the renewed one', async () => {
    const socket = await shake(context, port);
    renewed = socket.getPeerCertificate();
    socket.destroy();
    return renewed.serialNumber !== before.serialNumber;
  });
  assert.equal(renewed!.subjectaltname, `DNS:${name}`);
  // The connection with the certificate before is served still.
  const answer = new Promise<string>(resolve => first!.once('data', bytes => resolve(bytes.toString())));
  first!.write(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
  assert.match(await answer, /^HTTP\/1\.1 404 /);
  assert.deepEqual(
    log.filter(
      line => ['warn', 'error'].includes(String(line.level)) && /certificate/.test(String(line.message)),
    ),
    [],
  );
});

/** A handshake that is checked against the authority behind the issuer. */
function shake(context: TestContext, port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, servername: name, ca: [...authority.roots] };
    const socket = connect(options, () => resolve(socket));
    context.after(() => socket.destroy());
    socket.on('error', reject);
  });
}

/** The control plane and a gateway as processes; resolves with the gateway's log. */
async function startGateway(context: TestContext): Promise<Record<string, unknown>[]> {
  const injector = await startInjector(context, kubeconfig, 'weft-injector-0');
  const { port } = await injector.served;
  await makeAccount(api.client, 'default', 'edge-weft');
  const pod = await makePod(api.client, 'default', 'edge-weft-0', '10.244.0.20', { account: 'edge-weft' });
  const folder = await mkdtemp(join(tmpdir(), 'weft-gateway-'));
  context.after(() => rm(folder, { recursive: true }));
  const token = await tokenOf(api.client, 'default', 'edge-weft', { audience: 'weft', pod });
  await writeFile(join(folder, 'token'), token);
  const trust = '/api/v1/namespaces/default/configmaps/weft-trust';
  await until('the roots', async () => {
    const found = await api.client.call({ path: trust });
    if (found instanceof ApiError) return false;
    await writeFile(join(folder, 'root.pem'), (found.data as Record<string, string>)['root-cert.pem']!);
    return true;
  });
  const [admin = 0, health = 0] = await freePorts(2);
  const flags = {
    ...{ gateway: 'default/edge', 'control-plane': `127.0.0.1:${port}`, listen: '127.0.0.1' },
    ...{ token: join(folder, 'token'), 'root-certificate': join(folder, 'root.pem') },
    ...{ 'admin-port': admin, 'health-port': health, 'pod-name': pod.name, 'pod-namespace': 'default' },
    ...{ 'pod-ips': '10.244.0.20', 'service-account': 'edge-weft' },
    'control-plane-identity': 'spiffe://cluster.local/ns/weft-system/sa/weft-injector',
  };
  const program = join(import.meta.dirname, '../../src/main/weft-proxy.ts');
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  const child = spawn(process.execPath, [program, 'gateway', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout! }).on('line', line => lines.push(JSON.parse(line)));
  return lines;
}
