import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { helmFiles } from './helm.ts';
import {
  type InstallOptions,
  installObjects,
  installOptions,
  type Manifest,
  revisionObjects,
} from './index.ts';
import { renderHelm } from './testing/render-helm.ts';

const folder = new URL('../../../manifests/helm/weft/', import.meta.url).pathname;

test('manifests/helm/weft is the chart that is made of the objects', () => {
  const files = helmFiles();
  if (process.env.UPDATE_GOLDEN === '1') {
    rmSync(folder, { recursive: true, force: true });
    for (const [path, text] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  }
  for (const [path, text] of files) assert.equal(readFileSync(join(folder, path), 'utf8'), text, path);
  assert.equal(globSync('**/*.yaml', { cwd: folder }).length, files.size, 'no file is left over');
});

const cases: Record<string, Partial<InstallOptions>> = {
  'the defaults': {},
  'one replica': { replicas: 1 },
  'labels of Istio': { acceptLabels: ['istio'] },
  'labels of Linkerd': { acceptLabels: ['linkerd'] },
  'labels of Consul': { acceptLabels: ['consul'] },
  'labels of Istio and Consul': { acceptLabels: ['istio', 'consul'] },
  "cert-manager's issuer": { issuer: 'certManager:\n  issuer: mesh-ca # not of /etc/weft-issuer/\n' },
  "cert-manager's issuer, with a file": {
    issuer: 'certManager:\n  issuer: mesh-ca\n  rootsFile: /etc/weft-issuer/ca.crt\n',
  },
  'Vault with a token': {
    issuer: 'vault: {address: "https://vault.example:8200", role: weft, tokenFile: /etc/weft-issuer/token}',
  },
  'Vault with the own token': {
    issuer: 'vault: {address: "https://vault.example:8200", role: weft, kubernetes: {role: weft}}',
  },
  'gateways deployed in a namespace': { deployGateways: 'shop' },
  'gateways deployed in several': { deployGateways: 'shop,web', namespace: 'mesh' },
  'gateways deployed everywhere': { deployGateways: 'all', issuer: 'certManager: {issuer: mesh-ca}' },
  'certificates fetched in two namespaces': { deployGateways: 'all', certificateNamespaces: 'shop,web' },
  'certificates fetched where gateways are deployed by hand': { certificateNamespaces: 'shop' },
  'Secrets read beside': {
    secretNamespaces: 'shop,vault',
    certificateNamespaces: 'vault',
    namespace: 'mesh',
  },
  'machines that join': { machines: true, namespace: 'mesh' },
  "Consul's services": { consul: 'http://consul.example:8500' },
  "Consul's services, with everything": {
    consul: 'https://consul.example:8501',
    consulDatacenter: 'east',
    consulTag: 'mesh',
    consulNamespace: 'legacy',
    consulDomain: 'corp',
    consulTokenSecret: 'consul-token',
    consulCaSecret: 'consul-ca',
    machines: true,
  },
  'another revision': { revision: 'canary' },
  'another revision, with everything': {
    ...{ revision: '1-2-0', acceptLabels: ['istio', 'consul'], deployGateways: 'shop,web' },
    issuer: 'certManager: {issuer: mesh-ca}',
  },
  'labels of both, an old server, other texts': {
    acceptLabels: ['istio', 'linkerd'],
    kubernetesVersion: '1.20',
    namespace: 'mesh',
    image: 'registry.example/weft-injector:1',
    proxyImage: 'registry.example/weft-proxy:1',
    failurePolicy: 'Fail',
    refusedPods: 'admit',
    nativeSidecars: 'off',
    trustDomain: 'mesh.example',
    certificateLifetime: '1h',
    resources: { cpuRequest: '1', memoryRequest: '2Gi', memoryLimit: '3Gi' },
  },
};

for (const [name, given] of Object.entries(cases)) {
  test(`the chart renders what weft install prints: ${name}`, () => {
    const options = installOptions(given);
    const { namespace, version: _, kubernetesVersion, ...values } = options;
    const defaults = parse(helmFiles().get('values.yaml')!) as Record<string, unknown>;
    const apiVersions = kubernetesVersion === '1.20' ? ['policy/v1beta1'] : ['policy/v1'];
    const context = { values: { ...defaults, ...values }, namespace, apiVersions };
    const rendered = [...helmFiles()]
      .filter(([path]) => path.startsWith('templates/'))
      .flatMap(([, text]) => parseAllDocuments(renderHelm(text, context), { version: '1.1' }))
      .map(document => document.toJS() as { kind: string } | null)
      .filter(object => object !== null);
    assert.deepEqual(rendered.map(comparable), ofRelease(options).map(comparable));
  });
}

/** A release has what all revisions share where it is the default's. */
function ofRelease(options: InstallOptions): readonly Manifest[] {
  const objects = options.revision === 'default' ? installObjects(options) : revisionObjects(options);
  return objects.filter(({ kind }) => kind !== 'Namespace');
}

const helm = process.env.WEFT_HELM ?? '';

test('Helm itself renders the same', {
  skip: helm === '' && 'set WEFT_HELM to the program of Helm 3',
}, context => {
  const work = mkdtempSync(join(tmpdir(), 'weft-helm-'));
  context.after(() => rmSync(work, { recursive: true }));
  for (const [name, given] of Object.entries(cases)) {
    // What the server has is Helm's to know.
    const { namespace, version: _, kubernetesVersion: __, issuer, ...values } = installOptions(given);
    writeFileSync(join(work, 'issuer.yaml'), issuer);
    writeFileSync(join(work, 'values.yaml'), JSON.stringify(values));
    const flags = ['-n', namespace, '-f', join(work, 'values.yaml')];
    const { stdout, stderr, status } = spawnSync(
      helm,
      ['template', 'weft', folder, ...flags, '--set-file', `issuer=${join(work, 'issuer.yaml')}`],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
    const rendered = parseAllDocuments(stdout, { version: '1.1' })
      .map(document => document.toJS() as { kind: string } | null)
      .filter(object => object !== null);
    const options = installOptions({ ...given, kubernetesVersion: installOptions().kubernetesVersion });
    const wanted = ofRelease(options);
    const sorted = (objects: readonly { kind: string }[]) =>
      objects.map(comparable).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    assert.deepEqual(sorted(rendered), sorted(wanted), name);
  }
});

const nameOf = (object: unknown): string => {
  const { kind, metadata } = object as { kind: string; metadata: { name: string } };
  return `${kind}/${metadata.name}`;
};

test('an issuer that is none is refused before anything is installed', () => {
  const defaults = parse(helmFiles().get('values.yaml')!) as Record<string, unknown>;
  const context = { namespace: 'mesh', apiVersions: [], values: { ...defaults, issuer: 'mesh-ca' } };
  const template = helmFiles().get('templates/config-map.yaml')!;
  assert.throws(() => renderHelm(template, context), /issuer has neither vault nor certManager; docs/);
});

test('a revision that is none is refused before anything is installed', () => {
  const defaults = parse(helmFiles().get('values.yaml')!) as Record<string, unknown>;
  const template = helmFiles().get('templates/deployment.yaml')!;
  for (const revision of ['Canary', 'a b', '-a', 'a'.repeat(50)])
    assert.throws(
      () => renderHelm(template, { namespace: 'mesh', apiVersions: [], values: { ...defaults, revision } }),
      /revision is no DNS label of up to 49 characters/,
    );
});

test('namespaces of gateways that are none are refused before anything is installed', () => {
  const defaults = parse(helmFiles().get('values.yaml')!) as Record<string, unknown>;
  const template = helmFiles().get('templates/gateway-rights.yaml')!;
  for (const deployGateways of ['Shop', 'shop, web', 'shop,', 'a\nb'])
    assert.throws(
      () =>
        renderHelm(template, { namespace: 'mesh', apiVersions: [], values: { ...defaults, deployGateways } }),
      /deployGateways is not namespaces, comma-separated, or all; docs/,
    );
});

test('namespaces of certificates that are none, or all, are refused before anything is installed', () => {
  const defaults = parse(helmFiles().get('values.yaml')!) as Record<string, unknown>;
  const template = helmFiles().get('templates/role-weft-injector-acme.yaml')!;
  for (const certificateNamespaces of ['Shop', 'shop, web', 'all', 'shop,all'])
    assert.throws(
      () =>
        renderHelm(template, {
          ...{ namespace: 'mesh', apiVersions: [], values: { ...defaults, certificateNamespaces } },
        }),
      /certificateNamespaces is not namespaces, comma-separated; name those where the Secrets are/,
    );
});

/** The text inside the ConfigMap by what it says: quotes may differ. Names of a rule once. */
function comparable(object: { kind: string }): unknown {
  if (object.kind === 'Role') {
    const { rules } = object as unknown as { rules: { resourceNames?: string[] }[] };
    const once = rules.map(({ resourceNames, ...rule }) =>
      resourceNames ? { ...rule, resourceNames: [...new Set(resourceNames)] } : rule,
    );
    return { ...object, rules: once };
  }
  if (object.kind !== 'ConfigMap') return object;
  const { data, ...rest } = object as unknown as { data: Record<string, string> };
  const settings = parse(data['injection.yaml']!, { version: '1.1' }) as unknown;
  return { ...rest, data: { ...data, 'injection.yaml': settings } };
}
