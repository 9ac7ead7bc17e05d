// The sandbox for real: network namespaces, packet rules, processes. Needs root; leaves nothing behind, which is a test too.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SandboxFolder } from './host/index.ts';
import { machineCapabilities, type PodView, Sandbox, takeDown } from './index.ts';

const skip = machineCapabilities().reasons.join('; ') || false;
const fixture = fileURLToPath(new URL('../../test/sandbox', import.meta.url));
const name = `test-${process.pid}`;

/** What a sandbox could leave on a machine. */
function traces(): Record<string, readonly string[]> {
  const lines = (command: string): string[] => {
    const all = spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout.split('\n');
    // Ours are numbered; another cluster on this machine has links of its own, which come and go.
    return all.filter(line => line.includes(name) || /^veth\d{1,5}[:@]/.test(line));
  };
  return {
    namespaces: lines('ip netns list'),
    links: lines("ip -o link | cut -d' ' -f2"),
    mounts: lines('cat /proc/self/mounts'),
    processes: readdirSync('/proc').filter(pid => /^\d+$/.test(pid) && marked(pid)),
    folders: ['/run/weft-sandbox', '/etc/netns', tmpdir()].flatMap(path =>
      existsSync(path)
        ? readdirSync(path).filter(entry => entry.includes(name) && !entry.startsWith('weft-e2e'))
        : [],
    ),
    rules: lines('iptables-save 2>/dev/null'),
  };
}

function marked(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(
      `WEFT_SANDBOX=/run/weft-sandbox/${name}\0`,
    );
  } catch {
    return false;
  }
}

test('what an interrupted start has made is removed by down', { skip }, async () => {
  const clean = traces();
  const weft = fileURLToPath(new URL('../main/weft.ts', import.meta.url));
  const child = spawn(process.execPath, [weft, 'sandbox', 'up', join(fixture, 'plain'), '--name', name], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  while (!existsSync(new SandboxFolder(name).pods)) await new Promise(resolve => setImmediate(resolve));
  child.kill('SIGKILL');
  await ended;
  assert.deepEqual(await takeDown(name), []);
  assert.deepEqual(traces(), clean);
});

describe('a sandbox without a mesh', { skip }, () => {
  let folder: string;
  let sandbox: Sandbox;
  let clean: ReturnType<typeof traces>;

  const ask = async (url: string): Promise<string> => {
    return (await sandbox.fetch('pod/client', `/ask?url=${encodeURIComponent(url)}`, { port: 8080 })).body;
  };
  const echoPods = async (): Promise<PodView[]> => {
    return (await sandbox.pods()).filter(pod => pod.workload === 'echo' && !pod.terminating);
  };
  const until = async (what: () => Promise<boolean>): Promise<void> => {
    for (const limit = performance.now() + 15_000; !(await what()); ) {
      assert.ok(performance.now() < limit, `not within 15 s: ${what.toString()}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  };

  before(async () => {
    clean = traces();
    folder = mkdtempSync(join(tmpdir(), `weft-e2e-${name}`));
    cpSync(fixture, folder, { recursive: true });
    sandbox = await Sandbox.up({ dir: join(folder, 'plain'), name });
    await sandbox.ready({ timeoutMs: 30_000 });
  });
  after(async () => {
    await takeDown(name);
    rmSync(folder, { recursive: true, force: true });
  });

  test('every pod has an address, a host name, a user and files of its own', async () => {
    const [pod, other] = await echoPods();
    assert.notEqual(pod!.address, other!.address);
    const target = `pod/${pod!.name}`;
    const shown = await sandbox.exec(target, [
      'sh',
      '-c',
      'hostname; id -u; cat /etc/settings/greeting /var/run/weft-test/data/prepared; echo $WHO',
    ]);
    assert.deepEqual(shown, {
      code: 0,
      output: `${pod!.name}\n10001\nhelloprepared\nhello from ${pod!.name}`,
    });
    assert.equal(existsSync('/etc/settings'), false);
    assert.equal(existsSync('/run/weft-test'), false);
  });

  test('names lead where they lead in a cluster', async () => {
    const names = ['echo', 'echo.plain', 'echo.plain.svc.cluster.local', 'alias', 'echo-pods:8080'];
    for (const host of names) assert.match(await ask(`http://${host}/`), /^echo-/, host);
    assert.match(await ask('http://member-1.members:8080/'), /^member-1 /);
    assert.equal(await ask('http://nobody/'), 'error ENOTFOUND');
    assert.equal(await ask('http://example.com/'), 'error ENOTFOUND');
  });

  test('a Service spreads connections over its pods, and a pod that is not ready gets none', async () => {
    const answers = new Set(await Promise.all(Array.from({ length: 40 }, () => ask('http://echo/'))));
    assert.equal(answers.size, 2);
    const [pod] = await echoPods();
    await sandbox.fetch(`pod/${pod!.name}`, '/unready', { port: 8080 });
    await until(async () => !(await echoPods()).find(one => one.name === pod!.name)!.ready);
    // The packet rules follow within milliseconds; what matters is that they do.
    await until(
      async () =>
        new Set(await Promise.all(Array.from({ length: 12 }, () => ask('http://echo/')))).size === 1,
    );
    assert.ok(!(await ask('http://echo/')).startsWith(pod!.name));
    await sandbox.deletePod(`pod/${pod!.name}`, { force: true });
    await sandbox.ready();
  });

  test('a Service reaches the pod that asks, too', async () => {
    const [pod] = await echoPods();
    const through = (): Promise<string> =>
      sandbox
        .fetch(`pod/${pod!.name}`, `/ask?url=${encodeURIComponent('http://echo/')}`, { port: 8080 })
        .then(answer => answer.body);
    const answers = await Promise.all(Array.from({ length: 20 }, through));
    assert.ok(
      answers.some(answer => answer.startsWith(pod!.name)),
      answers.join(),
    );
    assert.ok(
      answers.every(answer => answer.startsWith('echo-')),
      answers.join(),
    );
  });

  test('a Service without endpoints refuses at once', async () => {
    await sandbox.apply(
      'empty',
      'apiVersion: v1\nkind: Service\nmetadata: { name: empty, namespace: plain }\nspec: { selector: { app: nobody }, ports: [{ port: 80 }] }\n',
    );
    await until(async () => (await ask('http://empty/')) === 'error ECONNREFUSED');
    await sandbox.unapply('empty');
    await until(async () => (await ask('http://empty/')) === 'error ENOTFOUND');
  });

  test('a rolling restart under load loses nothing and replaces every pod', async () => {
    const old = new Set((await echoPods()).map(pod => pod.name));
    const load = new AbortController();
    const answers: string[] = [];
    const loading = (async () => {
      while (!load.signal.aborted) answers.push(await ask('http://echo/'));
    })();
    await sandbox.restart('deploy/echo');
    load.abort();
    await loading;
    assert.deepEqual(
      answers.filter(answer => !answer.startsWith('echo-')),
      [],
    );
    assert.ok(answers.length > 10, `${answers.length} answers`);
    assert.ok((await echoPods()).every(pod => !old.has(pod.name)));
  });

  test('a crash is named with exit code, last words and what to do, and restarted', async () => {
    const [pod] = await echoPods();
    await sandbox.fetch(`pod/${pod!.name}`, '/crash', { port: 8080 });
    await until(async () =>
      (await echoPods()).some(one => one.name === pod!.name && one.restarts === 1 && one.ready),
    );
    const container = (await echoPods())
      .find(one => one.name === pod!.name)!
      .containers.find(one => one.name === 'echo')!;
    assert.equal(container.exitCode, 3);
    assert.match(container.message!, /told to crash: out of cheese/);
    const { events } = await sandbox.status();
    assert.ok(events.some(event => event.reason === 'Crashed' && /exited with code 3/.test(event.message)));
    assert.match(sandbox.logs('plain', pod!.name, 'echo'), /out of cheese[\s\S]*listening/);
  });

  test('a Job completes', async () => {
    const job = (await sandbox.pods()).find(pod => pod.workload === 'once')!;
    assert.equal(job.phase, 'Succeeded');
    assert.match(sandbox.logs('plain', job.name), /done once/);
  });

  test('a changed file is applied while it runs, and a broken one changes nothing', async () => {
    const file = join(folder, 'plain/plain.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace('greeting: hello', 'greeting: servus').replace('version: v1', 'version: v2'),
    );
    await until(async () => (await echoPods()).every(pod => pod.labels.version === 'v2' && pod.ready));
    await sandbox.ready();
    assert.equal((await sandbox.fetch('svc/echo', '/file?path=/etc/settings/greeting')).body, 'servus');
    writeFileSync(file, `${text}\n---\nkind: [`);
    await until(async () => (await sandbox.status()).problems.length > 0);
    const { problems } = await sandbox.status();
    assert.match(problems[0]!.message, /plain\.yaml:\d+: .*stays in use/);
    assert.ok((await echoPods()).every(pod => pod.labels.version === 'v2'));
  });

  test('an address of the machine leads into it', async () => {
    const { host, port } = await sandbox.forward('svc/echo', 80);
    assert.match(await (await fetch(`http://${host}:${port}/`)).text(), /^echo-/);
    assert.deepEqual(await sandbox.forward('svc/echo', 80), await sandbox.forward('svc/plain/echo', 80));
  });

  test('a second one of the same name is refused with the way out', async () => {
    await assert.rejects(Sandbox.up({ dir: folder, name }), /is running already .* weft sandbox down --name/);
  });

  test('when the agent is killed its pods go on, and whoever asks learns what to do', async () => {
    const { agentPid } = await sandbox.status();
    const ready = async () => (await sandbox.pods()).find(one => one.workload === 'echo' && one.ready);
    await until(async () => (await ready()) !== undefined);
    const app = (await ready())!.containers.find(one => one.name === 'echo')!.pid!;
    process.kill(agentPid, 'SIGKILL');
    await until(async () => new SandboxFolder(name).agentExitCode() !== undefined);
    await assert.rejects(
      sandbox.status(),
      /has ended with exit code 137; run weft sandbox down --name .* and then weft sandbox up/,
    );
    assert.ok(existsSync(`/proc/${app}`));
  });

  test('down leaves nothing, also without an agent, and once more does nothing', async () => {
    assert.ok(traces().namespaces!.length > 3);
    assert.deepEqual(await sandbox.down(), []);
    assert.deepEqual(traces(), clean);
    assert.deepEqual(await sandbox.down(), []);
  });
});
