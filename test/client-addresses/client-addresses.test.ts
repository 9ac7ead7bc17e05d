// A real proxy behind real packet rules that keep its clients' addresses: two network namespaces, a pod and its neighbour.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { apply } from '../../src/redirect/apply.ts';
import { plan } from '../../src/redirect/plan.ts';
import { cannotRun, type Namespace, podAndPeer } from '../../src/redirect/testing/namespace.ts';
import { undo } from '../../src/redirect/undo.ts';
import { verify } from '../../src/redirect/verify.ts';

const families = {
  ipv4: { pod: '10.77.0.2', peer: '10.77.0.1', other: '10.77.0.3' },
  ipv6: { pod: 'fd77::2', peer: 'fd77::1', other: 'fd77::3' },
} as const;
const root = join(import.meta.dirname, '../..');

/** The program runs in the namespace until the test ends; gives it once it has printed `ready`. */
async function start(
  where: Namespace,
  args: readonly string[],
  ready: RegExp,
  rights: readonly string[] = [],
): Promise<ChildProcess> {
  const [first, ...rest] = [...where.enter, ...rights, process.execPath, ...args];
  const child = spawn(first!, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const seen = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', line => {
        lines.push(line);
        if (ready.test(line)) resolve();
      });
    child.on('exit', () => reject(new Error(lines.join('\n'))));
  });
  await seen;
  return child;
}

/** Speaks to the pod from the neighbour's namespace, and gives what it heard. */
function ask(peer: Namespace, script: string): string {
  return peer.exec(process.execPath, ['--input-type=module', '-e', script]).trim();
}

/** Says `text` to a server that speaks first, and gives its first line and how much came back. */
const banner = (host: string, port: number, from: string, bytes: number): string => `
import { connect } from 'node:net';
const socket = connect({ host: '${host}', port: ${port}, localAddress: '${from}' });
let text = '';
let sent = false;
socket.setEncoding('latin1').on('data', piece => {
  text += piece;
  const at = text.indexOf('\\n');
  if (at < 0) return;
  if (!sent) socket.write('x'.repeat(${bytes}));
  sent = true;
  if (text.length < at + 1 + ${bytes}) return;
  console.log(text.slice(0, at), text.length - at - 1);
  socket.destroy();
});
socket.on('error', error => console.log(error.code));
`;

/** Asks over HTTP, one after the other, each address over a connection of its own that is kept; gives the answers. */
const requests = (host: string, addresses: readonly string[]): string => `
import { Agent, get } from 'node:http';
const agents = new Map();
for (const localAddress of ${JSON.stringify(addresses)}) {
  const agent = agents.get(localAddress) ?? new Agent({ keepAlive: true });
  agents.set(localAddress, agent);
  const answer = await new Promise((resolve, reject) => {
    get({ host: '${host}', port: 8080, localAddress, agent }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', piece => (text += piece)).on('end', () => resolve(text));
    }).on('error', reject);
  });
  process.stdout.write(answer);
}
for (const agent of agents.values()) agent.destroy();
`;

/** As the kubelet starts what injection asks for: root without most of what root may do. */
const asInjected = ['setpriv', '--bounding-set=-all,+net_raw,+setgid,+setuid', '--no-new-privs', '--'];

describe('an app that sees its clients', { skip: cannotRun() }, () => {
  let place: Awaited<ReturnType<typeof podAndPeer>>;
  const children: ChildProcess[] = [];
  const made = plan({ clientAddresses: 'keep' }).plan!;

  before(async () => {
    place = await podAndPeer();
    const { pod, peer } = place;
    peer.ip('addr add 10.77.0.3/24 dev eth0');
    peer.ip('addr add fd77::3/64 dev eth0 nodad');
    await apply(made, { run: pod.run });
    children.push(await start(pod, [join(import.meta.dirname, 'app.ts'), '::'], /listening/));
    const args = [
      'run',
      '--discovery',
      'none',
      '--client-addresses',
      'keep',
      '--pod-ips',
      '10.77.0.2,fd77::2',
    ];
    children.push(
      await start(
        pod,
        [join(root, 'src/main/weft-proxy.ts'), ...args, '--concurrency', '2'],
        /carries traffic/,
        asInjected,
      ),
    );
  });
  after(async () => {
    for (const child of children) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await place?.[Symbol.asyncDispose]();
  });

  for (const [family, { pod, peer, other }] of Object.entries(families)) {
    test(`${family}: a server that speaks first is told who calls, and bytes go both ways`, () => {
      const shown = family === 'ipv4' ? '::ffff:' : '';
      assert.equal(ask(place.peer, banner(pod, 5432, peer, 300_000)), `${shown}${peer} 300000`);
      assert.equal(ask(place.peer, banner(pod, 5432, other, 1)), `${shown}${other} 1`);
    });

    test(`${family}: connections for HTTP are kept for one client and not shared with another`, () => {
      const answers = ask(place.peer, requests(pod, [peer, other, peer, other, peer])).split('\n');
      const shown = answers.map(each => each.replace('::ffff:', '').split(' ')[0]);
      assert.deepEqual(shown, [peer, other, peer, other, peer]);
      const ports = new Map(answers.map(each => each.replace('::ffff:', '').split(' ') as [string, string]));
      // One connection of each, used again.
      assert.equal(new Set(answers).size, 2);
      assert.ok([...ports.values()].every(port => Number(port) < 32_768));
    });

    test(`${family}: the app and its own pod are as they were`, () => {
      const heard = place.pod.exec(process.execPath, [
        '--input-type=module',
        '-e',
        banner(pod, 5432, pod, 1),
      ]);
      assert.match(heard, new RegExp(`${pod} 1`));
    });
  }

  test('the proxy is not root, and has one capability', () => {
    const status = readFileSync(`/proc/${children[1]!.pid}/status`, 'utf8');
    assert.match(status, /^Uid:\s+1337\s+1337\s+1337\s+1337$/m);
    assert.match(status, /^CapEff:\s+0000000000002000$/m);
    assert.match(status, /^CapPrm:\s+0000000000002000$/m);
  });

  test('the rules are read back, applied again they change nothing, and undone nothing is left', async () => {
    const { run } = place.pod;
    assert.deepEqual((await verify(made, { run })).problems, []);
    for (const { result } of await apply(made, { run })) assert.equal(result, 'unchanged');
    await apply(plan({}).plan!, { run });
    assert.doesNotMatch(place.pod.exec('iptables-save', []), /CONNMARK|addrtype/);
    assert.doesNotMatch(place.pod.exec('ip', ['rule', 'show']), /0x539/);
    await apply(made, { run });
    assert.deepEqual((await verify(made, { run })).problems, []);
    place.pod.exec('ip', ['rule', 'del', 'fwmark', '0x539']);
    assert.match((await verify(made, { run })).problems.map(each => each.message).join(), /ipv4: .*routed/);
    await undo({ run });
    for (const save of ['iptables-save', 'ip6tables-save'])
      assert.doesNotMatch(place.pod.exec(save, []), /weft/i);
    for (const ip of ['-4', '-6']) {
      assert.doesNotMatch(place.pod.exec('ip', [ip, 'rule', 'show']), /0x539/);
      assert.doesNotMatch(place.pod.exec('ip', [ip, 'route', 'show', 'table', 'all']), /table 133/);
    }
  });
});
