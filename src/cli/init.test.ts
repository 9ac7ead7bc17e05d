import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { cannotRun, Namespace } from '../redirect/testing/namespace.ts';

const program = `
  import { Command } from 'commander';
  import { register } from ${JSON.stringify(join(import.meta.dirname, 'init.ts'))};
  const program = new Command('weft-proxy');
  register(program);
  await program.parseAsync();
`;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `weft-proxy init` as a process of its own, through a prefix of commands. */
function init(
  args: readonly string[],
  prefix: readonly string[] = [],
  env: Record<string, string> = {},
): Ended {
  const node = [process.execPath, '--input-type=module', '--eval', program, '--', 'init', ...args];
  const [command, ...rest] = [...prefix, ...node] as [string, ...string[]];
  // The working directory is where the packages are found.
  const options = {
    encoding: 'utf8',
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH, ...env },
  } as const;
  const { status, stdout, stderr } = spawnSync(command, rest, options);
  return { code: status, stdout, stderr };
}

describe('weft-proxy init', () => {
  test('--dry-run prints documents that iptables-restore takes, and needs no rights', () => {
    const { code, stdout, stderr } = init(['--dry-run', '--skip-outbound-ports', '3306, 5432-5433']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^# iptables-restore --noflush\n\*nat\n:WEFT_OUTPUT/m);
    assert.match(stdout, /^# ip -6 addr add ::6\/128 dev lo\n# ip6tables-restore --noflush\n\*nat\n/m);
    assert.match(stdout, /--dport 5432:5433 /);
  });

  test('reads the environment, which a flag overrides; an empty variable is the same as none', () => {
    const env = {
      WEFT_SKIP_INBOUND_PORTS: '2222',
      WEFT_SKIP_OUTBOUND_PORTS: '3333',
      WEFT_ONLY_OUTBOUND_CIDRS: '',
    };
    const { code, stdout } = init(['--dry-run', '--ipv6', 'off', '--skip-outbound-ports=4444'], [], env);
    assert.equal(code, 0);
    assert.match(stdout, /-A WEFT_INBOUND .*--dport 2222 /);
    assert.match(stdout, /-A WEFT_OUTPUT .*--dport 4444 /);
    assert.match(stdout, /all other outbound traffic/);
    assert.doesNotMatch(stdout, /3333|ip6tables/);
  });

  test('"none" intercepts nothing and "*" everything', () => {
    const none = init(['--dry-run', '--only-outbound-cidrs', 'none', '--only-inbound-ports', 'none']).stdout;
    assert.doesNotMatch(none, /-j WEFT_REDIRECT|all other/);
    const all = init(['--dry-run', '--only-outbound-cidrs', '*', '--only-inbound-ports', '*']).stdout;
    assert.equal(all, init(['--dry-run']).stdout);
  });

  test('names every bad value at once and changes nothing', () => {
    const args = [
      '--skip-outbound-cidrs',
      '10.0.0.0/99',
      '--proxy-uid',
      'root',
      '--only-inbound-ports',
      '80,0',
    ];
    const { code, stdout, stderr } = init(args);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^error redirect-bad-cidr at skipOutboundCidrs\[0\]: "10\.0\.0\.0\/99"/m);
    assert.match(stderr, /^error redirect-bad-number at proxyUid: proxyUid is not a number/m);
    assert.match(stderr, /^error redirect-bad-port at onlyInboundPorts\[1\]: "0"/m);
  });

  test('does one thing at a time', () => {
    assert.match(init(['--undo', '--check']).stderr, /cannot be used with/);
    assert.equal(init(['--dry-run', '--undo']).code, 0);
  });
});

describe('weft-proxy init in a network namespace', { skip: cannotRun() }, () => {
  test('applies, checks, probes without a capability and undoes, with exit codes to match', async () => {
    await using namespace = new Namespace('init');
    namespace.ip('link add v0 type veth peer v1');
    namespace.ip('addr add 10.79.0.1/24 dev v0');
    namespace.ip('addr add fd79::1/64 dev v0 nodad');
    namespace.ip('link set v0 up');
    namespace.ip('link set v1 up');
    const run = (...args: string[]): Ended => init(args, namespace.enter);
    const probe = (): Ended => init(['--probe'], namespace.enter, { POD_IPS: '10.79.0.1,fd79::1' });

    const before = run('--check');
    assert.deepEqual([before.code, before.stdout], [1, '']);
    assert.match(before.stderr, /error redirect-absent at ipv4: .*run weft-proxy init/);
    const refused = probe();
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /the redirection of 10\.79\.0\.1 is not in place: .*ECONNREFUSED/);

    assert.deepEqual(run(), { code: 0, stdout: 'ipv4: applied (nft)\nipv6: applied (nft)\n', stderr: '' });
    assert.deepEqual(run(), {
      code: 0,
      stdout: 'ipv4: unchanged (nft)\nipv6: unchanged (nft)\n',
      stderr: '',
    });
    assert.deepEqual(run('--check'), { code: 0, stdout: 'the redirection is in place\n', stderr: '' });
    assert.equal(run('--check', '--skip-inbound-ports=22').code, 1);
    assert.deepEqual(probe(), {
      code: 0,
      stdout: '10.79.0.1 is redirected\nfd79::1 is redirected\n',
      stderr: '',
    });

    assert.deepEqual(run('--undo'), {
      code: 0,
      stdout: 'ipv4: removed (nft)\nipv6: removed (nft)\n',
      stderr: '',
    });
    assert.equal(run('--check').code, 1);
  });

  test('without rights says what is missing', async () => {
    await using namespace = new Namespace('init');
    const bare = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
    const { code, stderr } = init([], [...namespace.enter, ...bare]);
    assert.equal(code, 1);
    assert.match(stderr, /^error redirect-not-permitted: .*NET_ADMIN/);
  });
});
