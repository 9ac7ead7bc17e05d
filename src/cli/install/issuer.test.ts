import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readInjectorConfig } from '../../config/injector-config.ts';
import { parseIssuerSettings } from '../../config/issuer-settings.ts';
import { WeftError } from '../../errors/index.ts';
import { recordOf } from '../../plain/index.ts';
import { checkInstallOptions, installObjects, installOptions, type Manifest, manifestText } from './index.ts';
import { optionsOfInstalled } from './installed.ts';

const golden = join(import.meta.dirname, 'golden');
const vault = `vault:
  address: https://vault.example:8200
  role: weft
  caFile: /etc/weft-issuer/ca.pem
  kubernetes: { role: weft-injector }
`;
const withToken = `vault:
  address: https://vault.example:8200
  role: weft
  tokenFile: /etc/weft-issuer/token
trustAlso: /etc/weft-issuer/old-roots.pem
`;
const certManager = `certManager:
  issuer: mesh-ca
`;

const objectsFor = (issuer: string): Manifest[] => installObjects(installOptions({ issuer }));
const find = (objects: readonly Manifest[], kind: string): Manifest =>
  objects.find(each => each.kind === kind && /^weft-inject/.test(each.metadata.name))!;
const podOf = (objects: readonly Manifest[]) =>
  (find(objects, 'Deployment').spec as { template: { metadata: { annotations: object }; spec: PodSpec } })
    .template;
interface PodSpec {
  readonly containers: readonly { args: string[]; volumeMounts: object[] }[];
  readonly volumes: readonly object[];
}

for (const [name, issuer] of [
  ['vault', vault],
  ['vault-token', withToken],
  ['cert-manager', certManager],
] as const) {
  test(`what another issuer changes in an installation: ${name}`, () => {
    const before = new Set(objectsFor('').map(each => JSON.stringify(each)));
    const changed = objectsFor(issuer).filter(each => !before.has(JSON.stringify(each)));
    const text = manifestText(changed);
    const file = join(golden, `issuer-${name}.yaml`);
    if (process.env.UPDATE_GOLDEN === '1') {
      mkdirSync(golden, { recursive: true });
      writeFileSync(file, text);
    }
    assert.equal(readFileSync(file, 'utf8'), text);
  });

  test(`the control plane reads what is installed, and an upgrade keeps it: ${name}`, () => {
    const objects = objectsFor(issuer);
    const flags = podOf(objects).spec.containers[0]!.args.map(arg => /^--([\w-]+)=(.*)$/.exec(arg)!.slice(1));
    const { issuerFile } = readInjectorConfig(
      Object.fromEntries(
        flags.map(([flag, value]) => [flag!.replace(/-./g, dash => dash[1]!.toUpperCase()), value]),
      ),
    );
    assert.equal(issuerFile, '/etc/weft/issuer.yaml');
    const text = String(recordOf(find(objects, 'ConfigMap').data)['issuer.yaml']);
    assert.ok(!(parseIssuerSettings(text, issuerFile) instanceof WeftError));
    assert.equal(optionsOfInstalled(objects).issuer, issuer);
    assert.equal(optionsOfInstalled(objectsFor('')).issuer, undefined);
  });
}

test('it reads no Secret of a key that it has not; of cert-manager it may make, read and delete requests, and nothing more', () => {
  const rules = (issuer: string) =>
    find(objectsFor(issuer), 'Role').rules as readonly {
      apiGroups: string[];
      resources: string[];
      verbs: string[];
    }[];
  const onSecrets = (issuer: string) =>
    rules(issuer).filter(({ resources }) => resources.includes('secrets'));
  assert.equal(onSecrets('').length, 2);
  for (const issuer of [vault, withToken, certManager]) assert.deepEqual(onSecrets(issuer), []);
  const ofManager = (issuer: string) =>
    rules(issuer).filter(({ apiGroups }) => apiGroups.includes('cert-manager.io'));
  assert.deepEqual(ofManager(vault), []);
  assert.deepEqual(ofManager(certManager), [
    {
      apiGroups: ['cert-manager.io'],
      resources: ['certificaterequests'],
      verbs: ['create', 'get', 'list', 'delete'],
    },
  ]);
});

test('other settings are other pods, since they are read at the start', () => {
  const annotation = (issuer: string) =>
    recordOf(podOf(objectsFor(issuer)).metadata.annotations)['weft.dev/issuer'];
  assert.notEqual(annotation(vault), annotation(withToken));
  assert.equal(annotation(''), undefined);
});

test('settings that cannot be used are refused, and files that no container has, with what to do', () => {
  const wrong = (issuer: string): string => checkInstallOptions(installOptions({ issuer }))?.message ?? '';
  assert.match(wrong('vault: { address: x }'), /vault\.address 'x' is no URL/);
  assert.match(wrong(': : :'), /it is no YAML/);
  assert.match(
    wrong(vault.replace('/etc/weft-issuer/ca.pem', '/home/ann/ca.pem')),
    /\/home\/ann\/ca\.pem, which is not in the container .*write \/etc\/weft-issuer\/ca\.pem and make it a key of the Secret weft-issuer/,
  );
  for (const fine of [vault, withToken, certManager]) assert.equal(wrong(fine), '');
});

test('weft install --issuer takes the file, and says when it cannot be read', t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-issuer-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'issuer.yaml');
  writeFileSync(file, certManager);
  const run = (given: string) =>
    spawnSync(process.execPath, ['src/main/weft.ts', 'install', '--issuer', given], { encoding: 'utf8' });
  assert.match(run(file).stdout, /issuer\.yaml: \|\n {4}certManager:\n {6}issuer: mesh-ca/);
  assert.doesNotMatch(run('none').stdout, /issuer\.yaml/);
  assert.match(run(join(folder, 'gone')).stderr, /the file cannot be read: ENOENT/);
});
