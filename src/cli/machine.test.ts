import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ProxyFlags, readProxyConfig } from '../config/proxy-config.ts';
import { undoResolver, writeResolver } from './machine/dns.ts';
import { Host } from './machine/host.ts';
import { joinMachine, leaveMachine } from './machine/join.ts';
import { balancerOf, groupFacts, type Preparation, preparedFiles, proxyEnvOf } from './machine/prepare.ts';
import { flagOf, formatProxyEnv, parseProxyEnv } from './machine/proxy-env.ts';
import { resolverPlan } from './machine/resolver.ts';
import { machineStatus } from './machine/status.ts';

const wanted: Preparation = {
  ...{ group: 'billing', namespace: 'vm', address: '192.0.2.10', controlPlane: 'weft.example:15012' },
  ...{ dns: false, intercept: undefined },
};
const group = groupFacts({ spec: { template: { serviceAccount: 'billing', ports: { http: 8080 } } } });
const wish = { address: '127.15.0.53', namespace: 'vm', clusterDomain: 'cluster.local' };

/** As commander gives them to the proxy. */
function proxyFlagsOf(words: readonly string[]): ProxyFlags {
  const flags: Record<string, string | boolean> = {};
  for (let n = 0; n < words.length; n++) {
    const name = words[n]!.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (name === 'noRedirect') flags.redirect = false;
    else flags[name] = words[++n]!;
  }
  return flags as ProxyFlags;
}

function rootOf(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'weft-machine-root-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'etc'));
  return root;
}

test('the flags that are prepared are flags that the proxy takes', () => {
  for (const [dns, intercept] of [
    [false, undefined],
    [true, undefined],
    [true, ['10.96.0.0/12']],
  ] as const) {
    const env = proxyEnvOf({ ...wanted, dns, intercept }, group);
    const config = readProxyConfig(proxyFlagsOf(env.proxyFlags), {});
    assert.equal(config.pod.name, 'vm~billing-192.0.2.10');
    assert.equal(config.redirected, intercept !== undefined);
    assert.equal(config.dns?.listen.host, dns ? '127.15.0.53' : undefined);
    assert.deepEqual(
      env.initFlags,
      intercept ? ['--only-inbound-ports=8080', '--only-outbound-cidrs=10.96.0.0/12,240.240.0.0/16'] : [],
    );
    assert.deepEqual(parseProxyEnv(formatProxyEnv(env), 'x'), env);
  }
});

test('what cannot be prepared is named, with the flag and what it takes', () => {
  const refused = (more: Partial<Preparation>, facts = group) => {
    try {
      proxyEnvOf({ ...wanted, ...more }, facts);
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };
  assert.match(refused({ address: 'billing' }), /--address is 'billing'; it takes the address/);
  assert.match(refused({ group: 'Not A Name' }), /--group or --address/);
  assert.match(
    refused({ controlPlane: 'weft example' }),
    /--control-plane is 'weft example'; it takes HOST:PORT/,
  );
  assert.match(refused({ intercept: ['everything'] }), /--intercept is 'everything'; it takes blocks/);
  assert.match(
    refused({ intercept: ['10.96.0.0/12'] }, groupFacts({})),
    /WorkloadGroup vm\/billing names no ports .* add the ports of the app/,
  );
  assert.throws(() => parseProxyEnv('X=1\n', 'file'), /file has no line WEFT_PROXY_FLAGS/);
});

test('of a control plane behind a load balancer the address is known', () => {
  const service = { status: { loadBalancer: { ingress: [{ ip: '198.51.100.7' }] } } };
  assert.equal(balancerOf(service, 15012), '198.51.100.7:15012');
  assert.equal(balancerOf(undefined, 15012), '');
});

test('joining writes the unit with what its flags need, and leaving takes all of it away', t => {
  const root = rootOf(t);
  const folder = join(root, 'given');
  mkdirSync(folder);
  const env = proxyEnvOf({ ...wanted, dns: true, intercept: ['10.96.0.0/12'] }, group);
  for (const { name, text } of preparedFiles(env, 'weft-join.x', 'roots'))
    writeFileSync(join(folder, name), text);
  const told: string[] = [];
  const host = new Host(root, line => told.push(line));
  joinMachine(host, folder);
  const path = (file: string): string => join(root, file);
  assert.equal(statSync(path('/etc/weft/token')).mode & 0o777, 0o640);
  assert.deepEqual(parseProxyEnv(readFileSync(path('/etc/weft/proxy.env'), 'utf8'), 'x'), env);
  const unit = '/etc/systemd/system/weft-proxy.service';
  for (const file of [
    unit,
    `${unit}.d/intercept.conf`,
    `${unit}.d/dns.conf`,
    '/usr/lib/sysusers.d/weft-proxy.conf',
  ])
    assert.ok(host.exists(file), file);
  assert.deepEqual(told.filter(each => each.startsWith('then')).slice(-3), [
    'then run: systemctl daemon-reload',
    'then run: systemctl enable weft-proxy.service',
    'then run: systemctl restart weft-proxy.service',
  ]);
  leaveMachine(host);
  for (const file of [
    unit,
    `${unit}.d`,
    '/usr/lib/sysusers.d/weft-proxy.conf',
    '/etc/weft/token',
    '/etc/weft/proxy.env',
  ])
    assert.ok(!host.exists(file), file);
  // Explicit mode has no rules and no names.
  for (const { name, text } of preparedFiles(proxyEnvOf(wanted, group), 'x', 'roots'))
    writeFileSync(join(folder, name), text);
  joinMachine(host, folder);
  assert.ok(host.exists(unit) && !host.exists(`${unit}.d`));
  assert.throws(
    () => joinMachine(host, join(root, 'nothing')),
    /nothing\/proxy\.env cannot be read; name the folder/,
  );
});

test('resolv.conf names the proxy first, and the machine’s own servers, domains and options stay', () => {
  const own =
    'nameserver 192.0.2.53 # ours\nnameserver 192.0.2.54\nnameserver 192.0.2.55\nsearch corp.example\noptions timeout:2 rotate\n';
  const facts = { resolvConf: own, kept: undefined, hasResolved: false };
  const plan = resolverPlan(facts, wish);
  assert.ok(plan.kind === 'resolv-conf' && plan.keep);
  assert.deepEqual(plan.text.split('\n').slice(1), [
    'nameserver 127.15.0.53',
    'nameserver 192.0.2.53',
    'nameserver 192.0.2.54',
    'search vm.svc.cluster.local svc.cluster.local cluster.local corp.example',
    'options timeout:2 rotate',
    '',
  ]);
  // Written twice, it comes to the same.
  const again = resolverPlan({ ...facts, resolvConf: plan.text, kept: own }, wish);
  assert.deepEqual(again, { ...plan, keep: false });
});

test('where systemd-resolved answers, it is told', () => {
  const facts = { resolvConf: 'nameserver 127.0.0.53\n', kept: undefined, hasResolved: true };
  assert.deepEqual(resolverPlan(facts, wish), {
    kind: 'resolved',
    dropIn:
      '# written by weft machine dns\n[Resolve]\nDNS=127.15.0.53\nDomains=vm.svc.cluster.local svc.cluster.local cluster.local ~.\n',
  });
  // It may run and not be asked.
  assert.equal(resolverPlan({ ...facts, resolvConf: 'nameserver 192.0.2.53\n' }, wish).kind, 'resolv-conf');
});

test('what was there comes back as it was, links too, and whoever wrote it anew since then is right', t => {
  const root = rootOf(t);
  const host = new Host(root, () => {});
  const path = join(root, 'etc/resolv.conf');
  mkdirSync(join(root, 'etc/weft'));
  writeFileSync(
    join(root, 'etc/weft/proxy.env'),
    formatProxyEnv(proxyEnvOf({ ...wanted, dns: true }, group)),
  );
  writeFileSync(join(root, 'etc/real.conf'), 'nameserver 192.0.2.53\n');
  symlinkSync('real.conf', path);
  const text = (): string => readFileSync(path, 'utf8');
  writeResolver(host);
  writeResolver(host);
  assert.match(text(), /nameserver 127\.15\.0\.53\nnameserver 192\.0\.2\.53\n/);
  assert.equal(readFileSync(join(root, 'etc/real.conf'), 'utf8'), 'nameserver 192.0.2.53\n');
  undoResolver(host);
  assert.ok(lstatSync(path).isSymbolicLink());
  assert.equal(text(), 'nameserver 192.0.2.53\n');
  undoResolver(host);
  assert.equal(text(), 'nameserver 192.0.2.53\n');
  writeResolver(host);
  writeFileSync(path, 'nameserver 192.0.2.99\n');
  undoResolver(host);
  assert.equal(text(), 'nameserver 192.0.2.99\n');
  assert.ok(!host.exists('/etc/resolv.conf.before-weft'));
});

test('a proxy that answers no names is not put in force', t => {
  const host = new Host(rootOf(t), () => {});
  assert.throws(
    () => writeResolver(host),
    /this machine has no \/etc\/weft\/proxy\.env; weft machine join writes it/,
  );
  host.write({ path: '/etc/weft/proxy.env', text: formatProxyEnv(proxyEnvOf(wanted, group)) });
  assert.throws(() => writeResolver(host), /answers no DNS on port 53; add --dns 127\.15\.0\.53/);
});

test('status says what is wrong, and what to do about it', () => {
  const env = proxyEnvOf({ ...wanted, dns: true }, group);
  const text = (facts: Partial<Parameters<typeof machineStatus>[0]>) =>
    machineStatus({
      service: 'active',
      env,
      status: { why: 'nobody answers' },
      asksProxy: true,
      ...facts,
    }).map(({ what, is, remedy }) => `${what}: ${is}${remedy ? ` → ${remedy}` : ''}`);
  assert.match(text({ env: undefined }).join(), /joined: no → weft machine prepare/);
  assert.deepEqual(text({ service: 'failed' }).slice(1), [
    'service: failed → journalctl -u weft-proxy says why',
    'proxy: nobody answers → systemctl status weft-proxy',
  ]);
  const principal = 'spiffe://cluster.local/ns/vm/sa/billing';
  const body = { connected: true, certificate: { principal, expiresInMs: 3_600_000 } };
  assert.deepEqual(text({ status: { body } }), [
    'joined: as vm/billing, group billing',
    'service: active',
    'control plane: connected to weft.example:15012',
    `certificate: ${principal}, 60 min left`,
    'traffic: of apps that name the proxy: http_proxy=http://127.0.0.1:15001',
    'names: asked of the proxy at 127.15.0.53',
  ]);
  const ill = text({
    status: { body: { connected: false, reason: 'no route', certificate: { lastError: 'join-token-used' } } },
    asksProxy: false,
  });
  assert.match(ill[2]!, /no route → can this machine reach weft\.example:15012\?/);
  assert.match(ill[3]!, /none: join-token-used → is the token good/);
  assert.match(ill.at(-1)!, /not asked of the proxy → weft machine dns --write/);
});

test('flags are read with a blank and with an equals sign', () => {
  assert.equal(flagOf(['--dns', '127.0.0.9'], '--dns'), '127.0.0.9');
  assert.equal(flagOf(['--dns=127.0.0.9'], '--dns'), '127.0.0.9');
  assert.equal(flagOf(['--dns-resolvers=x'], '--dns'), undefined);
});
