// The unit of packaging/systemd: systemd's own check of it, what the proxy tells systemd, and its commands about packet rules,
// run from the file in a network namespace. systemd itself is not booted: it takes the machine that it runs on for its own.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { libcFunction } from '../../src/libc/index.ts';
import { cannotRun, Namespace } from '../../src/redirect/testing/namespace.ts';

const root = join(import.meta.dirname, '../..');
const packaging = join(root, 'packaging/systemd');
const program = join(root, 'src/main/weft-proxy.ts');
const noAnalyze = spawnSync('systemd-analyze', ['--version']).status !== 0 && 'needs systemd-analyze';

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-unit-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('systemd finds nothing wrong with the unit, and takes it for well protected', {
  skip: noAnalyze,
}, context => {
  const folder = folderOf(context);
  cpSync(packaging, folder, { recursive: true });
  for (const file of globSync('**/*.{service,conf}', { cwd: folder })) {
    const text = readFileSync(join(folder, file), 'utf8');
    writeFileSync(join(folder, file), text.replaceAll('/opt/weft/node', process.execPath));
  }
  const unit = join(folder, 'weft-proxy.service');
  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
  assert.equal(verified.status, 0, verified.stderr);
  assert.doesNotMatch(verified.stderr, /weft-proxy\.service|intercept\.conf/);
  // Of 100, the less the better; what has no protection at all has 96.
  const rated = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=25', unit], {
    encoding: 'utf8',
  });
  assert.equal(rated.status, 0, rated.stdout.slice(-300));
});

/** A socket that receives what services tell, at a path. */
function listener(context: TestContext, path: string): () => string | undefined {
  const socket = libcFunction<(...args: number[]) => number>(
    'int socket(int domain, int type, int protocol)',
  );
  const bind = libcFunction<(fd: number, to: Buffer, length: number) => number>(
    'int bind(int fd, void *to, uint32_t length)',
  );
  const recv = libcFunction<(fd: number, into: Buffer, length: number, flags: number) => number>(
    'long recv(int fd, void *into, size_t length, int flags)',
  );
  const close = libcFunction<(fd: number) => number>('int close(int fd)');
  const [unix, datagrams, dontWait] = [1, 2, 0x40];
  const fd = socket(unix, datagrams, 0);
  context.after(() => close(fd));
  const to = Buffer.from(`\x01\x00${path}\x00`, 'latin1');
  assert.equal(bind(fd, to, to.length), 0);
  const buffer = Buffer.alloc(4096);
  return () => {
    const length = recv(fd, buffer, buffer.length, dontWait);
    return length < 0 ? undefined : buffer.toString('utf8', 0, length);
  };
}

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const limitMs = performance.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > limitMs) throw new Error(`waited in vain: ${what}`);
    await sleep(20);
  }
}

test('a proxy tells systemd what it waits for, that it is ready, and that it stops', {
  skip: process.platform !== 'linux' && 'needs Linux',
}, async context => {
  const folder = folderOf(context);
  const path = join(folder, 'notify');
  const receive = listener(context, path);
  const start = (discovery: readonly string[]): ChildProcess => {
    const ports = ['--outbound-port', '0', '--inbound-port', '0', '--admin-port', '0', '--health-port', '0'];
    const args = [program, 'run', '--no-redirect', '--listen', '127.0.0.1', ...ports, ...discovery];
    const env = { ...process.env, NOTIFY_SOCKET: path };
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
    context.after(() => child.kill('SIGKILL'));
    return child;
  };
  const waiting = start([
    '--control-plane',
    '127.0.0.1:1',
    '--root-certificate',
    '/nowhere',
    '--token',
    '/nowhere',
  ]);
  assert.match(
    await until('word of what it waits for', receive),
    /^STATUS=no certificate from the control plane/,
  );
  waiting.kill('SIGKILL');
  await until('the end', () => (waiting.signalCode === null ? undefined : true));
  while (receive() !== undefined);
  const ready = start(['--discovery', 'none']);
  assert.equal(await until('word that it is ready', receive), 'READY=1\nSTATUS=carries traffic');
  ready.kill('SIGTERM');
  assert.equal(await until('word that it stops', receive), 'STOPPING=1\nSTATUS=draining');
});

/** The command of a line of the drop-in, with our program in place of the installed one. */
function commandOf(key: string, flags: string): readonly string[] {
  const text = readFileSync(join(packaging, 'weft-proxy.service.d/intercept.conf'), 'utf8');
  const line = new RegExp(`^${key}=\\+(.*)$`, 'm').exec(text)![1]!.replace('$WEFT_INIT_FLAGS', flags);
  assert.ok(line.startsWith('/opt/weft/node /opt/weft/weft-proxy.mjs '), line);
  return [process.execPath, program, ...line.split(' ').slice(2)];
}

test('packet rules of the drop-in are there while the proxy is, and its crash cuts nobody off', {
  skip: cannotRun(),
}, async () => {
  await using namespace = new Namespace('unit');
  await using client = new Namespace('client');
  const run = (command: readonly string[], { name } = namespace): Promise<{ ok: boolean; out: string }> =>
    new Promise(resolve => {
      const args = ['netns', 'exec', name, ...command];
      execFile('ip', args, { timeout: 30_000 }, (error, stdout, stderr) =>
        resolve({ ok: error === null, out: `${stdout}${stderr}`.trim() }),
      );
    });
  const address = '192.0.2.10';
  client.ip(`link add client0 type veth peer name machine0 netns ${namespace.name}`);
  client.ip('addr add 192.0.2.1/24 dev client0');
  client.ip('link set client0 up');
  namespace.ip(`addr add ${address}/24 dev machine0`);
  namespace.ip('link set machine0 up');
  const node = [process.execPath, '-e'];
  const app = `require('http').createServer((_, r) => r.end('hello')).listen(8080, '${address}')`;
  const children: ChildProcess[] = [spawn('ip', ['netns', 'exec', namespace.name, ...node, app])];
  const startProxy = (): ChildProcess => {
    const as = ['setpriv', '--reuid=1337', '--regid=1337', '--clear-groups', process.execPath, program];
    const args = ['run', '--discovery', 'none', '--pod-ips', address, '--access-log', 'off'];
    const child = spawn('ip', ['netns', 'exec', namespace.name, ...as, ...args], { stdio: 'ignore' });
    children.push(child);
    return child;
  };
  try {
    const ask = `fetch('http://${address}:8080/', {signal: AbortSignal.timeout(5000)}).then(r => r.text()).then(console.log)`;
    const reaches = async (): Promise<true | undefined> =>
      (await run([...node, ask], client)).out === 'hello' || undefined;
    await until('the app', reaches);
    const proxy = startProxy();
    const flags = '--only-inbound-ports=8080 --only-outbound-ports=8080';
    const check = [process.execPath, program, 'init', '--check', ...flags.split(' ')];
    const probe = [process.execPath, program, 'init', '--probe', `--pod-ips=${address}`];
    assert.ok((await run(commandOf('ExecStartPost', flags))).ok);
    assert.equal((await run(check)).out, 'the redirection is in place');
    await until('connections to come to the proxy', async () => (await run(probe)).ok || undefined);
    assert.ok(await reaches());
    proxy.kill('SIGKILL');
    await once(proxy, 'exit');
    assert.ok(!(await reaches()), 'redirected to nobody');
    // What systemd runs however the service has ended.
    assert.ok((await run(commandOf('ExecStopPost', flags))).ok);
    assert.ok(!(await run(check)).ok);
    assert.ok(await reaches());
    assert.ok((await run(commandOf('ExecStopPost', flags))).ok, 'also where nothing is left to take away');
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
});
