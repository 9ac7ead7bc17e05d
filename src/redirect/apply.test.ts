import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { apply } from './apply.ts';
import { type BackendName, restoreError } from './backend.ts';
import type { HostOptions } from './host.ts';
import type { RedirectOptions } from './options.ts';
import { CHAINS, type Plan, plan } from './plan.ts';
import { type Run, systemRun } from './run.ts';
import { cannotRun, Namespace } from './testing/namespace.ts';
import { undo } from './undo.ts';
import { verify } from './verify.ts';

const skip = cannotRun();
const backends = ['nft', 'legacy'] as const;

function planned(options: RedirectOptions = {}): Plan {
  const { plan: made, problems } = plan(options);
  assert.ok(made, JSON.stringify(problems));
  return made;
}

/**
 * All rules of both families and the addresses of lo, without counters and dates. A nat table without a rule says the same as
 * none: the kernel makes it when somebody first asks.
 */
function snapshot(namespace: Namespace, backend: BackendName): string {
  const saved = [`iptables-${backend}-save`, `ip6tables-${backend}-save`].map(command =>
    namespace.exec(command, []),
  );
  const rules = saved
    .join('')
    .replace(/^#.*\n/gm, '')
    .replace(/ \[\d+:\d+\]$/gm, '');
  return rules.replace(/^\*nat\n(:\w+ ACCEPT\n)*COMMIT\n/gm, '') + ipv6Addresses(namespace).join('\n');
}

/** One line for each address; the kernel lists them in no order. */
function ipv6Addresses(namespace: Namespace): readonly string[] {
  return namespace.exec('cat', ['/proc/net/if_inet6']).split('\n').sort();
}

function hasInboundSource(namespace: Namespace): boolean {
  return ipv6Addresses(namespace).some(line => line.startsWith(`${'0'.repeat(31)}6`));
}

/** Rules of others, around which ours come and go. */
const foreign = `*nat
:OTHERS - [0:0]
-A OTHERS -p udp -m udp --dport 53 -m comment --comment "theirs: \\"quoted\\" -j WEFT" -j REDIRECT --to-ports 5353
-A OUTPUT -p udp -j OTHERS
-A PREROUTING -i eth9 -p tcp -m tcp --dport 2222 -j ACCEPT
-A POSTROUTING -o eth9 -j MASQUERADE
COMMIT
*filter
-A INPUT -p tcp -m tcp --dport 4444 -j DROP
COMMIT
`;

function addForeign(namespace: Namespace, backend: BackendName): void {
  for (const base of ['iptables', 'ip6tables'])
    namespace.exec(`${base}-${backend}-restore`, ['--noflush'], foreign);
}

async function refusal(run: Promise<unknown>): Promise<WeftError> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof WeftError, String(error));
  return error;
}

describe('apply and undo', { skip }, () => {
  for (const backend of backends) {
    test(`undo leaves exactly what was there before, with rules of others present (${backend})`, async () => {
      await using namespace = new Namespace('undo');
      const host = { run: namespace.run };
      addForeign(namespace, backend);
      const before = snapshot(namespace, backend);
      const outcomes = await apply(planned({ skipOutboundCidrs: ['10.0.0.0/8', '2001:DB8:0::/48'] }), host);
      assert.deepEqual(
        outcomes.map(outcome => [outcome.family, outcome.result, outcome.backend]),
        [
          ['ipv4', 'applied', backend],
          ['ipv6', 'applied', backend],
        ],
      );
      assert.notEqual(snapshot(namespace, backend), before);
      const removed = await undo(host);
      assert.deepEqual(
        removed.map(outcome => outcome.result),
        ['removed', 'removed'],
      );
      assert.equal(snapshot(namespace, backend), before);
      const again = await undo(host);
      assert.deepEqual(
        again.map(outcome => outcome.result),
        ['absent', 'absent'],
      );
      assert.equal(snapshot(namespace, backend), before);
    });

    test(`applying twice gives the same rules, and verify agrees (${backend})`, async () => {
      await using namespace = new Namespace('twice');
      const host = { run: namespace.run, backend };
      addForeign(namespace, backend);
      const made = planned({ skipInboundPorts: ['8000-8100', 22], onlyOutboundPorts: [80, 443] });
      await apply(made, host);
      const once = snapshot(namespace, backend);
      assert.deepEqual(
        (await verify(made, host)).problems.filter(one => one.severity === 'error'),
        [],
      );
      const outcomes = await apply(made, host);
      assert.deepEqual(
        outcomes.map(outcome => outcome.result),
        ['unchanged', 'unchanged'],
      );
      assert.equal(snapshot(namespace, backend), once);
    });

    test(`other options replace the rules, also those of an older Weft and doubled jumps (${backend})`, async () => {
      await using namespace = new Namespace('replace');
      const host = { run: namespace.run, backend };
      const made = planned({ onlyInboundPorts: [8080] });
      await apply(made, host);
      const fresh = snapshot(namespace, backend);
      await undo(host);
      await apply(planned(), host);
      const older =
        '*nat\n:WEFT_OLD - [0:0]\n-A WEFT_OLD -j RETURN\n-A OUTPUT -p udp -j WEFT_OLD\n' +
        '-A OUTPUT -p tcp -m comment --comment "weft: what the pod sends" -j WEFT_OUTPUT\nCOMMIT\n';
      namespace.exec(`iptables-${backend}-restore`, ['--noflush'], older);
      await apply(made, host);
      assert.equal(snapshot(namespace, backend), fresh);
    });

    test(`verify names the rule that is missing, the one too many and the doubled jump (${backend})`, async () => {
      await using namespace = new Namespace('verify');
      const host = { run: namespace.run, backend };
      const made = planned({ ipv6: false });
      await apply(made, host);
      const { output, inRedirect } = CHAINS;
      const change = (...args: string[]): string =>
        namespace.exec(`iptables-${backend}`, ['-t', 'nat', ...args]);
      change('-D', output, '4');
      change('-A', inRedirect, '-p', 'tcp', '-j', 'RETURN');
      change(
        '-I',
        'PREROUTING',
        '-p',
        'tcp',
        '-m',
        'comment',
        '--comment',
        'weft: what comes into the pod',
        '-j',
        'WEFT_INBOUND',
      );
      const { ok, problems } = await verify(made, host);
      assert.equal(ok, false);
      const texts = problems.map(({ code, message }) => `${code}: ${message}`);
      assert.match(
        texts[0]!,
        /redirect-missing: .*rule 4 of WEFT_OUTPUT is missing: .*--uid-owner 1337 .*loops/,
      );
      assert.match(
        texts[1]!,
        /redirect-unplanned: .*WEFT_IN_REDIRECT has a rule too many: -A WEFT_IN_REDIRECT -p tcp -j RETURN/,
      );
      assert.match(texts[2]!, /redirect-unplanned: .*2 times: -A PREROUTING/);
      assert.equal(texts.length, 3);
      await apply(made, host);
      assert.equal((await verify(made, host)).ok, true);
    });
  }

  test('verify tells when nothing is redirected, and the order when only that is wrong', async () => {
    await using namespace = new Namespace('order');
    const host = { run: namespace.run };
    const made = planned({ ipv6: false });
    assert.deepEqual(
      (await verify(made, host)).problems.map(one => one.code),
      ['redirect-absent'],
    );
    await apply(made, host);
    const first = [
      'WEFT_OUTPUT',
      '-o',
      'lo',
      '-m',
      'comment',
      '--comment',
      'weft: app to itself',
      '-j',
      'RETURN',
    ];
    namespace.exec('iptables-nft', ['-t', 'nat', '-D', ...first]);
    namespace.exec('iptables-nft', ['-t', 'nat', '-I', ...first]);
    const { problems } = await verify(made, host);
    assert.deepEqual(
      problems.map(one => one.message),
      ['ipv4: the rules of WEFT_OUTPUT are in another order than planned; run weft-proxy init again'],
    );
  });

  test('a rule of others that comes before ours is named as a warning and stays', async () => {
    await using namespace = new Namespace('shadow');
    const host = { run: namespace.run };
    namespace.exec('iptables-nft', [
      '-t',
      'nat',
      '-A',
      'OUTPUT',
      '-d',
      '192.0.2.1/32',
      '-p',
      'tcp',
      '-j',
      'ACCEPT',
    ]);
    namespace.exec('iptables-nft', ['-t', 'nat', '-A', 'OUTPUT', '-p', 'udp', '-j', 'ACCEPT']);
    const made = planned({ ipv6: false });
    await apply(made, host);
    const { ok, problems } = await verify(made, host);
    assert.equal(ok, true);
    assert.deepEqual(
      problems.map(one => [one.severity, one.code]),
      [['warning', 'redirect-shadowed']],
    );
    assert.match(problems[0]!.message, /-A OUTPUT -d 192\.0\.2\.1\/32 -p tcp -j ACCEPT$/);
  });

  test('the address ::6 stays on lo when it was there before, and goes when it was not', async () => {
    await using namespace = new Namespace('address');
    const host = { run: namespace.run };
    const has = (): boolean => hasInboundSource(namespace);
    await apply(planned(), host);
    await apply(planned({ skipInboundPorts: [22] }), host);
    assert.ok(has());
    await undo(host);
    assert.ok(!has());
    namespace.ip('-6 addr add ::6/128 dev lo');
    await apply(planned(), host);
    await undo(host);
    assert.ok(has());
  });

  test('a missing address ::6 is a problem, and is mended', async () => {
    await using namespace = new Namespace('mend');
    const host = { run: namespace.run };
    await apply(planned(), host);
    namespace.ip('-6 addr del ::6/128 dev lo');
    assert.match((await verify(planned(), host)).problems[0]!.message, /lo lacks the address ::6/);
    await apply(planned(), host);
    assert.equal((await verify(planned(), host)).ok, true);
    await undo(host);
    assert.ok(!hasInboundSource(namespace));
  });
});

describe('the choice of a backend', { skip }, () => {
  for (const backend of backends) {
    test(`falls on ${backend} where ${backend} has rules`, async () => {
      await using namespace = new Namespace('choice');
      addForeign(namespace, backend);
      const outcomes = await apply(planned(), { run: namespace.run });
      assert.deepEqual(
        outcomes.map(outcome => outcome.backend),
        [backend, backend],
      );
    });
  }

  test('stays with the one that has our rules, whatever others do later', async () => {
    await using namespace = new Namespace('stay');
    await apply(planned(), { run: namespace.run, backend: 'legacy' });
    addForeign(namespace, 'nft');
    const outcomes = await apply(planned(), { run: namespace.run });
    assert.deepEqual(
      outcomes.map(outcome => [outcome.result, outcome.backend]),
      [
        ['unchanged', 'legacy'],
        ['unchanged', 'legacy'],
      ],
    );
  });

  test('ipv6 goes where ipv4 went', async () => {
    await using namespace = new Namespace('same');
    namespace.exec('iptables-legacy', ['-t', 'nat', '-A', 'OUTPUT', '-p', 'udp', '-j', 'ACCEPT']);
    const outcomes = await apply(planned(), { run: namespace.run });
    assert.deepEqual(
      outcomes.map(outcome => outcome.backend),
      ['legacy', 'legacy'],
    );
  });

  test('rules never stay in both', async () => {
    await using namespace = new Namespace('both');
    const { run } = namespace;
    await apply(planned(), { run, backend: 'legacy' });
    const [ipv4] = await apply(planned(), { run, backend: 'nft' });
    assert.match(ipv4!.notices.join(), /removed from iptables-legacy \(ipv4\)/);
    assert.ok(!namespace.exec('iptables-legacy-save', []).includes('WEFT'));
    assert.equal((await verify(planned(), { run })).ok, true);
  });

  test('falls back to legacy where the kernel has no nf_tables', async () => {
    await using namespace = new Namespace('fallback');
    const said = 'iptables-nft-save v1.8.9 (nf_tables): Failed to initialize nft: Protocol not supported';
    const run: Run = async (command, args, input) => {
      const result = await namespace.run(command, args, input);
      return command.endsWith('nft-save') ? { ...result, code: 1, stdout: '', stderr: said } : result;
    };
    const [ipv4] = await apply(planned({ ipv6: false }), { run });
    assert.deepEqual([ipv4!.result, ipv4!.backend], ['applied', 'legacy']);
    assert.equal((await verify(planned({ ipv6: false }), { run })).ok, true);
  });

  test('falls back to legacy where nft reads but cannot write these rules, and says why', async () => {
    await using namespace = new Namespace('fallback');
    const said = 'Warning: Extension owner revision 0 not supported, missing kernel module?';
    const run: Run = (command, args, input) =>
      command.endsWith('nft-restore') && args.includes('--noflush')
        ? Promise.resolve({ code: 4, stdout: '', stderr: said, missing: false })
        : namespace.run(command, args, input);
    const outcomes = await apply(planned(), { run });
    assert.deepEqual(
      outcomes.map(outcome => outcome.backend),
      ['legacy', 'legacy'],
    );
    assert.match(outcomes[0]!.notices.join(), /iptables-nft \(ipv4\) does not work here: .*owner revision 0/);
  });
});

describe('what does not work is refused with the remedy', { skip }, () => {
  test('without NET_ADMIN', async () => {
    await using namespace = new Namespace('rights');
    const bare = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
    const run = systemRun([...namespace.enter, ...bare]);
    for (const attempt of [apply, verify, (_: Plan, host: HostOptions) => undo(host)]) {
      const error = await refusal(attempt(planned(), { run }));
      assert.equal(error.code, 'redirect-not-permitted');
      assert.match(error.message, /capabilities NET_ADMIN and NET_RAW/);
    }
  });

  test('without iptables', async () => {
    await using namespace = new Namespace('missing');
    const run = systemRun([...namespace.enter, '/usr/bin/env', 'PATH=/nonexistent']);
    const error = await refusal(apply(planned(), { run }));
    assert.equal(error.code, 'redirect-no-iptables');
    assert.match(error.message, /install the package iptables/);
  });

  test('without the backend that was asked for', async () => {
    await using namespace = new Namespace('asked');
    const run: Run = (command, args, input) =>
      command.includes('legacy')
        ? Promise.resolve({ code: undefined, stdout: '', stderr: '', missing: true })
        : namespace.run(command, args, input);
    assert.equal((await refusal(apply(planned(), { run, backend: 'legacy' }))).code, 'redirect-no-backend');
  });

  test('where another mesh redirects already; nothing of ours is left behind, not even in the other family', async () => {
    await using namespace = new Namespace('mesh');
    const run = namespace.run;
    namespace.exec('ip6tables-nft', ['-t', 'nat', '-N', 'ISTIO_OUTPUT']);
    namespace.exec('ip6tables-nft', ['-t', 'nat', '-A', 'OUTPUT', '-j', 'ISTIO_OUTPUT']);
    namespace.exec('iptables-nft', ['-t', 'nat', '-S']);
    const before = snapshot(namespace, 'nft');
    const error = await refusal(apply(planned(), { run }));
    assert.equal(error.code, 'redirect-conflict');
    assert.match(error.message, /Istio redirects this pod already/);
    assert.equal(snapshot(namespace, 'nft'), before);
  });

  test('ipv6 that is switched off is left out with a notice, unless it was asked for', async () => {
    await using namespace = new Namespace('v6');
    const run = namespace.run;
    namespace.exec('sh', [
      '-c',
      'for f in all lo; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done',
    ]);
    const [, ipv6] = await apply(planned(), { run });
    assert.equal(ipv6!.result, 'skipped');
    assert.match(ipv6!.notices[0]!, /ipv6 is switched off/);
    assert.equal((await verify(planned(), { run })).ok, true);
    await undo({ run });
    const before = snapshot(namespace, 'nft');
    assert.equal((await refusal(apply(planned({ ipv6: true }), { run }))).code, 'redirect-no-ipv6');
    assert.equal(snapshot(namespace, 'nft'), before);
  });

  test('iproute2 that is missing, where the pod can be reached over ipv6', async () => {
    await using namespace = new Namespace('noip');
    namespace.ip('link add v0 type veth peer v1');
    namespace.ip('addr add fd79::1/64 dev v0 nodad');
    const run: Run = (command, args, input) =>
      command === 'ip'
        ? Promise.resolve({ code: undefined, stdout: '', stderr: 'spawn ip ENOENT', missing: true })
        : namespace.run(command, args, input);
    const error = await refusal(apply(planned(), { run }));
    assert.equal(error.code, 'redirect-no-iproute2');
    assert.match(error.message, /install the package iproute2, or switch IPv6 off/);
    assert.ok(
      !namespace.exec('iptables-nft-save', []).includes('WEFT'),
      'the rules for ipv4 were taken back',
    );
  });

  test('ip6tables that is missing matters only where the pod can be reached over ipv6', async () => {
    await using namespace = new Namespace('no6');
    const run: Run = (command, args, input) =>
      command.startsWith('ip6tables')
        ? Promise.resolve({ code: undefined, stdout: '', stderr: '', missing: true })
        : namespace.run(command, args, input);
    const [, ipv6] = await apply(planned(), { run });
    assert.equal(ipv6!.result, 'skipped');
    assert.equal((await verify(planned(), { run })).ok, true);
    await undo({ run });
    namespace.ip('link add v0 type veth peer v1');
    namespace.ip('addr add fd79::1/64 dev v0 nodad');
    const error = await refusal(apply(planned(), { run }));
    assert.equal(error.code, 'redirect-no-iptables');
    assert.ok(
      !namespace.exec('iptables-nft-save', []).includes('WEFT'),
      'the rules for ipv4 were taken back',
    );
  });
});

describe('what iptables says becomes an error with its remedy', () => {
  const cases: readonly [string, string, RegExp][] = [
    ["Couldn't load match `owner':No such file or directory", 'redirect-unsupported-kernel', /xt_owner/],
    [
      'RULE_APPEND failed (No such file or directory): rule in chain WEFT_OUTPUT',
      'redirect-unsupported-kernel',
      /xt_owner/,
    ],
    [
      'Warning: Extension owner revision 0 not supported, missing kernel module?',
      'redirect-unsupported-kernel',
      /explicit mode/,
    ],
    [
      "can't initialize iptables table `nat': Table does not exist (do you need to insmod?)",
      'redirect-unsupported-kernel',
      /nf_nat/,
    ],
    [
      'Could not fetch rule set generation id: Permission denied (you must be root)',
      'redirect-not-permitted',
      /NET_RAW/,
    ],
    [
      "Fatal: can't open lock file /run/xtables.lock: Read-only file system",
      'redirect-lock',
      /emptyDir on \/run/,
    ],
    ["Bad argument `x'", 'redirect-failed', /--dry-run/],
  ];
  for (const [message, code, remedy] of cases) {
    test(`${code}: ${message}`, () => {
      const error = restoreError([
        { backend: { name: 'nft', family: 'ipv4', command: 'iptables-nft' }, message },
      ]);
      assert.equal(error.code, code);
      assert.ok(error.message.includes(message));
      assert.match(error.message, remedy);
    });
  }
});
