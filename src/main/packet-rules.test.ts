// A real proxy that writes the packet rules of its pod before it becomes its own user, with the rights that injection gives it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { plan } from '../redirect/plan.ts';
import { cannotRun, type Namespace, podAndPeer } from '../redirect/testing/namespace.ts';
import { verify } from '../redirect/verify.ts';

const program = join(import.meta.dirname, 'weft-proxy.ts');
const rights = '+net_admin,+net_raw,+setgid,+setuid';
const lists = { WEFT_SKIP_INBOUND_PORTS: '5432', WEFT_SKIP_OUTBOUND_PORTS: '3306,6379' };
const wanted = plan({ skipInboundPorts: [5432], skipOutboundPorts: [3306, 6379] }).plan!;

describe('a proxy that writes its packet rules itself', { skip: cannotRun() }, () => {
  let place: Awaited<ReturnType<typeof podAndPeer>>;
  let folder: string;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    place = await podAndPeer();
    folder = mkdtempSync(join(tmpdir(), 'weft-packet-rules-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await kill(child);
    await place[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Runs the proxy as the kubelet would; gives it and its lines when it carries traffic, or has ended. */
  async function run(
    where: Namespace,
    { may = rights, args = [] as readonly string[], user = '0' } = {},
  ): Promise<{ child: ChildProcess; lines: string[] }> {
    const drop = [
      ...['setpriv', `--reuid=${user}`, `--regid=${user}`, '--groups=0,7', `--bounding-set=-all,${may}`],
      ...['--inh-caps=-all', '--no-new-privs', '--'],
    ];
    const proxy = [
      program,
      'run',
      '--discovery',
      'none',
      '--pod-ips',
      '10.77.0.2,fd77::2',
      '--state',
      folder,
    ];
    const [first, ...rest] = [...where.enter, ...drop, process.execPath, ...proxy, ...args];
    const env = { ...process.env, ...lists, WEFT_PACKET_RULES: 'write' };
    const child = spawn(first!, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    const lines: string[] = [];
    const carries = Promise.withResolvers<void>();
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', line => {
        lines.push(line);
        if (line.includes('carries traffic')) carries.resolve();
      });
    await Promise.race([carries.promise, once(child, 'close')]);
    return { child, lines };
  }

  /** A server on the port, in the pod; the promise is of its first line. */
  function serve(port: number): Promise<unknown> {
    const script = `require('net').createServer(s => s.end('the app')).listen(${port}, '::', () => console.log('up'))`;
    const [first, ...rest] = [...place.pod.enter, process.execPath, '-e', script];
    const child = spawn(first!, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return once(child.stdout!, 'data');
  }

  /** What somebody outside of the pod hears first on a port of it. */
  function hear(port: number): string {
    const script = `
      const socket = require('net').connect({ host: '10.77.0.2', port: ${port} });
      socket.once('data', text => { console.log(String(text).split('\\r\\n')[0]); socket.destroy(); });
      socket.on('connect', () => socket.write('GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n'));
      socket.on('error', error => console.log(error.code));`;
    return place.peer.exec(process.execPath, ['-e', script]).trim();
  }

  test('the rules are those that the environment asks for, and the proxy has no right left', async () => {
    const { child, lines } = await run(place.pod);
    assert.equal(child.exitCode, null, lines.join('\n'));
    assert.deepEqual((await verify(wanted, { run: place.pod.run })).problems, []);
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    for (const [name, value] of [
      ['Uid', '1337\\s+1337\\s+1337\\s+1337'],
      ['Gid', '1337\\s+1337\\s+1337\\s+1337'],
      ['Groups', '7 ?'],
      ['CapPrm', '0+'],
      ['CapEff', '0+'],
      ['CapAmb', '0+'],
      ['NoNewPrivs', '1'],
    ])
      assert.match(status, new RegExp(`^${name}:\\s+${value}$`, 'm'));
    // The hook of its container, without flags: it ends once the rules are seen to work. Throws where it does not.
    place.pod.exec(process.execPath, [program, 'wait']);
    // Of a process that was root, the kernel keeps these for root unless it is told.
    assert.equal(statSync(`/proc/${child.pid}/io`).uid, 1337);
    await Promise.all([serve(5432), serve(8080)]);
    assert.equal(hear(5432), 'the app');
    // The proxy's words: with --discovery none it knows of no port of the pod, and the app there speaks no HTTP.
    assert.match(hear(8080), /^HTTP\/1\.1 \d{3}/);
  });

  test('one that comes again after its container failed finds them as they are', async () => {
    const first = await run(place.pod);
    await kill(first.child);
    const { lines } = await run(place.pod);
    assert.match(lines.find(line => line.includes('packet rules')) ?? '', /"result":"unchanged"/);
    assert.deepEqual((await verify(wanted, { run: place.pod.run })).problems, []);
  });

  test('where clients keep their addresses it has that one right', async () => {
    const { child, lines } = await run(place.pod, { args: ['--client-addresses', 'keep'] });
    assert.equal(child.exitCode, null, lines.join('\n'));
    const keep = {
      skipInboundPorts: [5432],
      skipOutboundPorts: [3306, 6379],
      clientAddresses: 'keep',
    } as const;
    assert.deepEqual((await verify(plan(keep).plan!, { run: place.pod.run })).problems, []);
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    assert.match(status, /^Uid:\s+1337\s/m);
    assert.match(status, /^CapPrm:\s+0000000000002000$/m);
  });

  test('without the rights, with wrong lists or beside another mesh it ends with the reason', async () => {
    const cases = [
      [{ may: '+net_raw,+setgid,+setuid' }, /lacks the capability NET_ADMIN.*\(redirect-not-permitted\)/],
      [
        { may: '+net_admin,+net_raw' },
        /may not become its own user.*SETUID and SETGID.*\(bad-configuration\)/,
      ],
      [{ user: '1337' }, /needs root with the capabilities NET_ADMIN.*\(bad-configuration\)/],
      [{ args: ['--no-redirect'] }, /leave --no-redirect out \(bad-configuration\)/],
    ] as const;
    for (const [how, reason] of cases) {
      const { child, lines } = await run(place.pod, how);
      assert.equal(child.exitCode, 1, lines.join('\n'));
      assert.match(lines.join('\n'), reason);
    }
    place.pod.exec('iptables-nft', ['-t', 'nat', '-N', 'ISTIO_OUTPUT']);
    place.pod.exec('iptables-nft', ['-t', 'nat', '-F', 'OUTPUT']);
    place.pod.exec('iptables-nft', ['-t', 'nat', '-A', 'OUTPUT', '-p', 'tcp', '-j', 'ISTIO_OUTPUT']);
    const { child, lines } = await run(place.pod);
    assert.equal(child.exitCode, 1);
    assert.match(lines.join('\n'), /Istio redirects this pod already.*\(redirect-conflict\)/);
  });
});
