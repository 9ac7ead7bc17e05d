// What a pod of another namespace, which is not in the mesh, gets at each port of the mesh: the table of docs/security.md, tried.
// Needs root.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PORTS } from '../../src/config/index.ts';
import { machineCapabilities, Sandbox, takeDown } from '../../src/sandbox/index.ts';

const skip = machineCapabilities().reasons.join('; ') || false;
const name = `ports-${process.pid}`;

/** Runs in the neighbour: one request, in clear or by TLS without a certificate; prints the status, or what ended it. */
const asking = `
const [host, port, scheme, method, path] = process.argv.slice(1);
const end = said => { console.log(said); process.exit(0); };
const options = { host, port: Number(port), method, path, rejectUnauthorized: false, timeout: 5000, agent: false };
const request = require('node:' + scheme).request(options, answer => {
  let text = '';
  answer.on('data', piece => { text += piece; if (text.length > 200) end(answer.statusCode + ' ' + text.slice(0, 200)); });
  answer.on('end', () => end(answer.statusCode + ' ' + text));
});
request.on('timeout', () => end('silence'));
request.on('error', error => end(error.code || error.message));
request.end();
`;

describe('ports of the mesh, from a neighbour', { skip }, () => {
  let folder: string;
  let sandbox: Sandbox;
  let [proxy, controlPlane] = ['', ''];

  const ask = async (
    host: string,
    port: number,
    path = '/',
    scheme = 'http',
    method = 'GET',
  ): Promise<string> => {
    const words = ['node', '-e', asking, host, String(port), scheme, method, path];
    const { output } = await sandbox.exec('pod/outside/outsider', words, 'outsider');
    return output.trim();
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weft-ports-'));
    cpSync(import.meta.dirname, folder, { recursive: true });
    sandbox = await Sandbox.up({ dir: join(folder, 'mesh'), name });
    await sandbox.ready({ timeoutMs: 60_000 });
    const pods = await sandbox.pods();
    proxy = pods.find(pod => pod.name === 'web')!.address;
    controlPlane = pods.find(pod => pod.workload === 'weft-injector')!.address;
  });
  after(async () => {
    await takeDown(name);
    rmSync(folder, { recursive: true, force: true });
  });

  test('15000: nobody is there for others, whatever they ask and however', async () => {
    for (const path of ['/config_dump', '/quitquitquit', '/logging?level=debug'])
      assert.equal(await ask(proxy, PORTS.admin, path, 'http', 'POST'), 'ECONNREFUSED', path);
  });

  test('15001 and 15006: a proxy takes nobody in who was not redirected', async () => {
    for (const port of [PORTS.outbound, PORTS.inbound])
      assert.doesNotMatch(await ask(proxy, port), /^2\d\d/, String(port));
  });

  test('15020: health and metrics, and nothing else', async () => {
    assert.match(await ask(proxy, PORTS.health, '/ready'), /^200/);
    assert.match(await ask(proxy, PORTS.health, '/stats/prometheus'), /^200 # /);
    for (const path of ['/config_dump', '/requests', '/certs', '/logging'])
      assert.match(await ask(proxy, PORTS.health, path), /^404/, path);
    assert.doesNotMatch(await ask(proxy, PORTS.health, '/quitquitquit', 'http', 'POST'), /^2\d\d/);
    assert.match(await ask(proxy, PORTS.health, '/ready'), /^200/);
  });

  test('15012: who proves nothing gets nothing', async () => {
    assert.doesNotMatch(await ask(controlPlane, PORTS.discovery), /^\d/);
    assert.doesNotMatch(await ask(controlPlane, PORTS.discovery, '/', 'https'), /^\d/);
  });

  test('15014: metrics and readiness with GET; what the mesh knows is for no pod', async () => {
    assert.match(await ask(controlPlane, PORTS.controlPlaneMetrics, '/metrics'), /^200 # /);
    assert.match(await ask(controlPlane, PORTS.controlPlaneMetrics, '/debug/proxies'), /^40[34]/);
    assert.doesNotMatch(
      await ask(controlPlane, PORTS.controlPlaneMetrics, '/metrics', 'http', 'POST'),
      /^2\d\d/,
    );
  });

  test('15016: who has no token is told so, and nothing else', async () => {
    for (const path of ['/live/tap', '/live/requests', '/live/figures']) {
      const answers = [
        await ask(controlPlane, PORTS.live, path),
        await ask(controlPlane, PORTS.live, path, 'https'),
      ];
      for (const answer of answers)
        assert.match(answer, /^(?:40[13] |ECONN|EPROTO|[A-Z_]*SSL)/, `${path}: ${answer}`);
    }
  });
});
