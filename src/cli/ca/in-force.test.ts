// Who signs, as the control plane says it, and what `weft ca` makes of that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CertificateAuthority, fingerprintsOf, secretOfAuthority } from '../../ca/index.ts';
import { WeftError } from '../../errors/index.ts';
import { FakeClock } from '../../time/index.ts';
import type { Cluster } from '../kubernetes/connect.ts';
import { authorityInForce } from './in-force.ts';
import { clusterPlace } from './place.ts';
import { elsewhereStatus, ownStatus, statusText } from './status.ts';

const namespace = 'weft-system';
const asked = `/api/v1/namespaces/${namespace}/services/weft-injector:15014/proxy/debug/authority`;
const settings = `/api/v1/namespaces/${namespace}/configmaps/weft-injection`;
const secret = `/api/v1/namespaces/${namespace}/secrets/weft-ca`;
const screen = { colours: false };

/** Answers of an API server by path; whatever is not there is 404. */
function clusterWith(answers: Readonly<Record<string, unknown>>, calls: string[] = []): Cluster {
  return {
    server: 'https://api.test',
    async request({ method, path }) {
      calls.push(`${method} ${path}`);
      const body = answers[path];
      return (body === undefined
        ? { status: 404, body: { message: 'not found' } }
        : { status: 200, body }) as unknown as Awaited<ReturnType<Cluster['request']>>;
    },
  };
}

const clock = new FakeClock();
const ours = CertificateAuthority.createRoot({ clock, trustDomain: 'cluster.local' });
const [oursRoot] = fingerprintsOf(ours.parts.roots) as [string];
const theirs = {
  ...{ issuer: "cert-manager's ClusterIssuer mesh-ca", isElsewhere: true, issuerRoot: 'aa11' },
  ...{ roots: ['aa11', 'bb22'], distrusted: [], expiries: ours.expiries(), problems: [] },
};

test('where somebody else signs, the key that is left from before is neither shown nor rotated', async () => {
  const calls: string[] = [];
  const answers = { [asked]: theirs, [secret]: { data: secretOfAuthority(ours.parts) } };
  const place = await clusterPlace(clusterWith(answers, calls), namespace);
  assert.equal(place.name, "cert-manager's ClusterIssuer mesh-ca");
  const isElsewhere = (thrown: unknown): boolean =>
    thrown instanceof WeftError &&
    thrown.code === 'issuer-elsewhere' &&
    /mesh-ca signs here .* do it there: .*--issuer none/.test(thrown.message);
  await assert.rejects(place.read(), isElsewhere);
  await assert.rejects(place.write({ parts: ours.parts, distrusted: [] }), isElsewhere);
  assert.deepEqual(await place.revoked(), []);
  assert.deepEqual(
    calls.filter(each => each.includes('/secrets/')),
    [],
    'the right to read Secrets is not needed',
  );
});

test('its status is what the control plane says, and names the proxies that lack a root', () => {
  const proxies = [
    { pod: 'shop/ready', trusts: ['aa11', 'bb22'], root: 'aa11' },
    { pod: 'shop/late', trusts: ['aa11'], root: 'aa11' },
  ];
  const text = statusText(elsewhereStatus(theirs, [], proxies), screen);
  assert.match(
    text,
    /^cert-manager's ClusterIssuer mesh-ca signs \(--issuer\); the control plane has no key/,
  );
  assert.match(text, /root +in use +\d+d/);
  assert.match(text, /aa11 +2 of 2 +2 of 2 +issues/);
  assert.match(text, /bb22 +1 of 2 +0 of 2/);
  assert.match(text, /shop\/late +it does not trust bb22 yet/);
  assert.doesNotMatch(text, /weft ca rotate/);
});

test('a control plane that cannot be asked: the settings of the installation say who signs, and the status is an error', async () => {
  const text =
    'vault: { address: https://vault.example:8200, role: weft, tokenFile: /etc/weft-issuer/token }';
  const found = await authorityInForce(
    clusterWith({ [settings]: { data: { 'issuer.yaml': text } } }),
    namespace,
  );
  assert.equal(found?.issuer, 'Vault at https://vault.example:8200');
  assert.match(statusText(elsewhereStatus(found!, [], []), screen), /could not be asked .*issuer-unasked/);
});

test('without --issuer it is the Secret, also where an older control plane does not say who signs', async () => {
  for (const said of [undefined, { expiries: [] }]) {
    const answers = { [secret]: { data: secretOfAuthority(ours.parts) }, [settings]: { data: {} } };
    const place = await clusterPlace(
      clusterWith(said === undefined ? answers : { ...answers, [asked]: said }),
      namespace,
    );
    assert.equal(place.name, 'Secret weft-system/weft-ca');
    assert.deepEqual(fingerprintsOf((await place.read()).parts.roots), [oursRoot]);
  }
});

test('a Secret that the control plane does not use is told', async () => {
  const inForce = { ...theirs, issuer: 'own', isElsewhere: false };
  const answers = { [asked]: inForce, [secret]: { data: secretOfAuthority(ours.parts) } };
  const place = await clusterPlace(clusterWith(answers), namespace);
  const facts = {
    where: place.name,
    record: await place.read(),
    inForce: place.inForce,
    list: [],
    proxies: [],
  };
  const [told] = ownStatus(facts, clock).problems;
  assert.equal(told?.code, 'ca-not-in-force');
  assert.match(told!.message, /under the root aa11, and not under [0-9a-f]{16} of Secret .*cannot use/);
  const same = { ...inForce, issuerRoot: oursRoot };
  assert.deepEqual(ownStatus({ ...facts, inForce: same }, clock).problems, []);
});

test('a revision is asked for itself', async () => {
  const canary = asked.replace('weft-injector', 'weft-injector-canary');
  const cluster = clusterWith({ [asked]: { ...theirs, issuer: 'default' }, [canary]: theirs });
  assert.equal((await authorityInForce(cluster, namespace))?.issuer, 'default');
  assert.equal((await authorityInForce(cluster, namespace, 'canary'))?.issuer, theirs.issuer);
  const text = 'vault: { address: https://vault.example:8200, role: weft, tokenFile: /x }';
  const own = settings.replace('weft-injection', 'weft-injection-canary');
  const found = await authorityInForce(
    clusterWith({ [own]: { data: { 'issuer.yaml': text } } }),
    namespace,
    'canary',
  );
  assert.match(found!.problems[0]!.message, /deploy\/weft-injector-canary/);
});
