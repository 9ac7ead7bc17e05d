// A gateway without a cluster that fetches its certificates itself, as a process: on two cores, ended and started again.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { RunningGateway } from '../../src/main/testing/running-gateway.ts';
import { until } from '../../src/main/testing/running-proxy.ts';
import { route, service } from '../../src/proxy/gateway/testing/gateway-rig.ts';
import { httpServer } from '../../src/proxy/testing/clients.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { findPebble, PebbleServer } from './pebble-server.ts';

const programs = findPebble();
const skip = programs === undefined && 'no pebble with pebble-challtestsrv on PATH or in WEFT_PEBBLE';

/** The issuer of what is shown, and whether a session was resumed; '' while nothing is. */
async function visit(
  port: number,
  session?: Buffer,
): Promise<{ issuer: string; print: string; reused: boolean; session: Buffer | undefined }> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'www.example.com',
    rejectUnauthorized: false,
    ...(session && { session }),
  });
  let kept: Buffer | undefined;
  socket.on('session', each => {
    kept = each;
  });
  try {
    await once(socket, 'secureConnect');
    const certificate = socket.getPeerX509Certificate();
    const reused = socket.isSessionReused();
    socket.write('GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n');
    const answer = Buffer.concat(await socket.toArray()).toString();
    assert.match(answer, /^HTTP\/1.1 200 .*app/s);
    return {
      issuer: certificate?.issuer ?? '',
      print: certificate?.fingerprint256 ?? '',
      reused,
      session: kept,
    };
  } catch (thrown) {
    if (thrown instanceof assert.AssertionError) throw thrown;
    return { issuer: '', print: '', reused: false, session: undefined };
  } finally {
    socket.destroy();
  }
}

test('weft-proxy gateway --certificates: fetched, kept with nobody else to read it, shown by every core, there again after a restart', {
  skip,
}, async context => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-acme-'));
  const app = await httpServer((_, response) => response.end('app'));
  const [http = 0, https = 0] = await freePorts(2);
  const pebble = await PebbleServer.start(programs!, { httpPort: http, tlsPort: https });
  const running: RunningGateway[] = [];
  context.after(async () => {
    for (const each of running) await each.end();
    await pebble.stop();
    app.close();
    rmSync(folder, { recursive: true, force: true });
  });
  mkdirSync(join(folder, 'objects'));
  writeFileSync(
    join(folder, 'objects/edge.yaml'),
    `apiVersion: policy.weft.dev/v1alpha1
kind: CertificateIssuer
metadata: { name: pebble, namespace: shop }
spec: { server: "${pebble.directory}", caBundle: ${JSON.stringify(pebble.ca)} }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop, annotations: { weft.dev/certificate-issuer: pebble } }
spec:
  gatewayClassName: weft
  listeners:
  - { name: http, port: ${http}, protocol: HTTP }
  - { name: https, port: ${https}, protocol: HTTPS, hostname: www.example.com, tls: { certificateRefs: [{ name: edge }] } }
${service('app', app.port)}${route('all', 'app')}`,
  );
  const certificates = join(folder, 'certificates');
  const start = async (): Promise<RunningGateway> => {
    const gateway = await RunningGateway.start(join(folder, 'objects'), { certificates, concurrency: 2 });
    running.push(gateway);
    await gateway.ready();
    return gateway;
  };
  const first = await start();
  await until('a certificate', async () => (await visit(https)).issuer.includes('Pebble'));
  const { print, session } = await visit(https);
  assert.ok(session);
  // The kernel spreads connections over both cores: each shows it, and reads the tickets of the other.
  for (let i = 0; i < 24; i++) {
    assert.equal((await visit(https, session)).reused, true, `visit ${i}`);
    assert.equal((await visit(https)).print, print, `visit ${i}`);
  }
  const files = readdirSync(certificates);
  assert.deepEqual(
    files.filter(each => !each.includes('account')),
    ['shop.edge.json'],
  );
  for (const file of files) assert.equal(statSync(join(certificates, file)).mode & 0o777, 0o600, file);
  assert.equal(statSync(certificates).mode & 0o777, 0o700);
  await first.end();
  await pebble.stop();
  await start();
  await until('the certificate again', async () => (await visit(https)).print === print);
});
