import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

interface Pod {
  readonly serviceAccountName: string;
  readonly containers: readonly {
    readonly command: readonly string[];
    readonly ports: readonly { readonly name?: string; readonly containerPort: number }[];
    readonly readinessProbe?: object;
  }[];
}
interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object };
  readonly spec: {
    readonly selector: Record<string, string> & { readonly matchLabels: object };
    readonly ports: readonly { readonly targetPort: number | string }[];
    readonly template: { readonly metadata: { readonly labels: Record<string, string> }; readonly spec: Pod };
  };
}

const folder = fileURLToPath(new URL('kubernetes/', import.meta.url));
const objects = globSync('*.yaml', { cwd: folder }).flatMap(file => {
  const documents = parseAllDocuments(readFileSync(folder + file, 'utf8'));
  return documents.map(document => {
    assert.deepEqual(document.errors, [], file);
    return document.toJS() as KubeObject;
  });
});
const workloads = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
const name = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace}/${metadata.name}`;

test('every object has a namespace that exists, and a name of its own', () => {
  const namespaces = objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name);
  assert.deepEqual(namespaces.sort(), ['outside', 'shop']);
  const rest = objects.filter(({ kind }) => kind !== 'Namespace');
  for (const object of rest) assert.ok(namespaces.includes(object.metadata.namespace ?? ''), name(object));
  assert.equal(new Set(rest.map(name)).size, rest.length);
});

test('every workload has its ServiceAccount, a probe, labels that its selector matches, and a program that exists', () => {
  for (const workload of workloads) {
    const { template, selector } = workload.spec;
    const account = `ServiceAccount ${workload.metadata.namespace}/${template.spec.serviceAccountName}`;
    assert.ok(
      objects.some(object => name(object) === account),
      `${name(workload)} wants ${account}`,
    );
    assert.deepEqual(template.metadata.labels, selector.matchLabels);
    const [container] = template.spec.containers;
    assert.ok(container!.readinessProbe, name(workload));
    assert.ok(existsSync(new URL(container!.command[1]!, import.meta.url)), container!.command.join(' '));
  }
});

test('every Service selects a workload that has its target port', () => {
  for (const service of objects.filter(({ kind }) => kind === 'Service')) {
    const selected = workloads.filter(
      ({ metadata, spec }) =>
        metadata.namespace === service.metadata.namespace &&
        Object.entries(service.spec.selector).every(
          ([key, value]) => spec.template.metadata.labels[key] === value,
        ),
    );
    assert.ok(selected.length > 0, name(service));
    const ports = selected.flatMap(({ spec }) => spec.template.spec.containers.flatMap(({ ports }) => ports));
    for (const { targetPort } of service.spec.ports) {
      const found = ports.some(port => port.name === targetPort || port.containerPort === targetPort);
      assert.ok(found, `${name(service)}: ${targetPort}`);
    }
  }
});

test('the apps import nothing but Node and each other, and name nothing of the mesh', () => {
  for (const file of globSync('*.ts', { cwd: fileURLToPath(new URL('.', import.meta.url)) })) {
    if (file.endsWith('.test.ts')) continue;
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    for (const [, from] of text.matchAll(/\bfrom '([^']+)'/g)) {
      assert.match(from!, /^(node:|\.\/)/, `${basename(file)} imports ${from}`);
    }
    assert.doesNotMatch(text, /\bweft\b|\b150(00|01|06|20)\b|spiffe/i, file);
  }
});
