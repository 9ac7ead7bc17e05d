// The sandbox with the mesh in it, for real: injection, weft-init, proxies, control plane. Needs root; leaves nothing behind.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { machineCapabilities, type PodView, Sandbox, takeDown } from './index.ts';

const skip = machineCapabilities().reasons.join('; ') || false;
const fixture = fileURLToPath(new URL('../../test/sandbox', import.meta.url));
const name = `mesh-${process.pid}`;

const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: strict, namespace: inside }
spec: { selector: { matchLabels: { app: echo } }, mtls: { mode: STRICT } }
`;

describe('a sandbox with a mesh', { skip }, () => {
  let folder: string;
  let sandbox: Sandbox;

  const ask = async (from: string, url: string): Promise<string> => {
    const { body } = await sandbox.fetch(`pod/${from}`, `/ask?url=${encodeURIComponent(url)}`, {
      port: 8080,
    });
    return body;
  };
  const podsOf = async (workload: string): Promise<PodView[]> => {
    return (await sandbox.pods()).filter(pod => pod.workload === workload && !pod.terminating);
  };
  const until = async (what: () => Promise<boolean>): Promise<void> => {
    for (const limit = performance.now() + 20_000; !(await what()); ) {
      assert.ok(performance.now() < limit, `not within 20 s: ${what.toString()}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weft-mesh-'));
    cpSync(fixture, folder, { recursive: true });
    sandbox = await Sandbox.up({ dir: join(folder, 'mesh'), name });
    await sandbox.ready({ timeoutMs: 60_000 });
  });
  after(async () => {
    await takeDown(name);
    rmSync(folder, { recursive: true, force: true });
  });

  test('labelled pods have a proxy and the others have none', async () => {
    const meshed = (await sandbox.pods()).filter(pod => pod.meshed).map(pod => pod.workload);
    assert.deepEqual(meshed.sort(), ['echo', 'echo', 'web']);
  });

  test('a call between two of them is mutual TLS from identity to identity, and the apps know nothing of it', async () => {
    // Ready pods reach proxies through the control plane a moment later.
    await until(async () => /^echo-\S+ 10001$/.test(await ask('web', 'http://echo/')));
    const proxies = await podsOf('echo');
    const metrics = await Promise.all(
      proxies.map(pod => sandbox.fetch(`pod/${pod.name}`, '/stats/prometheus', { port: 15020 })),
    );
    const lines = metrics
      .flatMap(({ body }) => body.split('\n'))
      .filter(line => line.startsWith('istio_requests_total{'));
    const secured = lines.filter(line => line.includes('connection_security_policy="mutual_tls"'));
    assert.ok(
      secured.some(line => line.includes('source_principal="spiffe://cluster.local/ns/inside/sa/web"')),
      lines.join('\n'),
    );
  });

  test('strict mode refuses the outsider and not the mesh, from apply to unapply', async () => {
    await until(async () => (await ask('outsider', 'http://echo.inside/')).startsWith('echo-'));
    assert.deepEqual(await sandbox.apply('strict', strict), []);
    await until(async () => !(await ask('outsider', 'http://echo.inside/')).startsWith('echo-'));
    assert.doesNotMatch(await ask('outsider', 'http://echo.inside/'), /^echo-/);
    assert.match(await ask('web', 'http://echo/'), /^echo-/);
    // The kubelet's probes come in plaintext too, and still pass.
    const answer = await sandbox.fetch(`pod/${(await podsOf('echo'))[0]!.name}`, '/app-health/echo/readyz', {
      port: 15020,
    });
    assert.equal(answer.status, 200);
    await sandbox.unapply('strict');
    await until(async () => (await ask('outsider', 'http://echo.inside/')).startsWith('echo-'));
  });

  test('what the control plane finds wrong is said with the file it is in', async () => {
    await sandbox.apply('odd', strict.replace('STRICT', 'SOMEWHAT').replace('name: strict', 'name: odd'));
    await until(async () => (await sandbox.status()).problems.length > 0);
    const [problem] = (await sandbox.status()).problems;
    assert.equal(problem!.object?.name, 'odd');
    assert.match(problem!.object?.origin ?? '', /^odd\.yaml:2$/);
    await sandbox.unapply('odd');
    await until(async () => (await sandbox.status()).problems.length === 0);
  });

  test('a rolling restart under load loses nothing', async () => {
    const load = new AbortController();
    const answers: string[] = [];
    const loading = (async () => {
      while (!load.signal.aborted) answers.push(await ask('web', 'http://echo/'));
    })();
    await sandbox.restart('deploy/echo');
    load.abort();
    await loading;
    assert.deepEqual(
      answers.filter(answer => !answer.startsWith('echo-')),
      [],
    );
  });

  test('a killed control plane is named and started again, and traffic goes on meanwhile', async () => {
    const [before] = await podsOf('weft-injector');
    await sandbox.kill(`pod/${before!.name}`);
    assert.match(await ask('web', 'http://echo/'), /^echo-/);
    await until(async () => (await podsOf('weft-injector')).every(pod => pod.restarts === 1 && pod.ready));
    const { events } = await sandbox.status();
    assert.ok(
      events.some(
        event =>
          event.reason === 'Crashed' && /container weft-injector was killed by SIGKILL/.test(event.message),
      ),
    );
    assert.match(await ask('web', 'http://echo/'), /^echo-/);
  });

  test('a killed proxy is named and started again', async () => {
    await sandbox.kill('pod/web', { container: 'weft-proxy' });
    await until(async () => (await podsOf('web')).every(pod => pod.restarts === 1 && pod.ready));
    const proxy = (await podsOf('web'))[0]!.containers.find(container => container.name === 'weft-proxy');
    assert.equal(proxy!.exitCode, 137);
    await until(async () => (await ask('web', 'http://echo/')).startsWith('echo-'));
  });

  test('a command in the mesh sees what its container sees', async () => {
    const { code, output } = await sandbox.exec('pod/web', ['id', '-u'], 'weft-proxy');
    assert.deepEqual([code, output], [0, '1337']);
  });
});
