// Images and manifests ask for no right that they do not need: no root, a read-only root, no capability but the init container's.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { fieldAt, recordOf, recordsOf } from '../src/plain/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Found {
  readonly where: string;
  readonly pod: Readonly<Record<string, unknown>>;
  readonly container: Readonly<Record<string, unknown>>;
  readonly isInit: boolean;
}

/** Every container of ours in these files: those of the control plane, and the proxy's and init's of injected pods. */
function containersIn(pattern: string): Found[] {
  return globSync(pattern, { cwd: root }).flatMap(file =>
    parseAllDocuments(readFileSync(`${root}/${file}`, 'utf8')).flatMap(document => {
      const object = document.toJS() as unknown;
      const pod = recordOf(fieldAt(object, 'spec', 'template', 'spec') ?? fieldAt(object, 'spec'));
      const of = (field: string, isInit: boolean): Found[] =>
        recordsOf(pod[field])
          .filter(({ name }) => /^weft-/.test(String(name)))
          .map(container => ({ where: `${file} ${String(container.name)}`, pod, container, isInit }));
      return [...of('containers', false), ...of('initContainers', true)];
    }),
  );
}

/** What a container is allowed in the end: its own word, then its pod's. */
function allowed({ pod, container }: Found, field: string): unknown {
  return fieldAt(container, 'securityContext', field) ?? fieldAt(pod, 'securityContext', field);
}

function isInitOfRules({ container }: Found): boolean {
  return String(container.name) === 'weft-init';
}

test('every container of ours runs as nobody in particular, with a read-only root and without capabilities', () => {
  const found = [
    ...containersIn('manifests/*.yaml'),
    ...containersIn('webhook/inject/golden/*.expected.yaml'),
  ];
  assert.ok(found.length > 10, `${found.length} containers`);
  for (const each of found) {
    const capabilities = recordOf(allowed(each, 'capabilities'));
    assert.deepEqual(capabilities.drop, ['ALL'], each.where);
    assert.equal(allowed(each, 'allowPrivilegeEscalation'), false, each.where);
    assert.notEqual(allowed(each, 'privileged'), true, each.where);
    assert.equal(allowed(each, 'readOnlyRootFilesystem'), true, each.where);
    const added = (capabilities.add ?? []) as readonly string[];
    if (isInitOfRules(each)) {
      assert.deepEqual([...added].sort(), ['NET_ADMIN', 'NET_RAW'], each.where);
      continue;
    }
    // To keep its clients' addresses a proxy needs one, and two to become nobody afterwards (docs/client-addresses.md).
    // One that writes packet rules itself has what weft-init would have (docs/decisions/injection.md).
    const writes = recordsOf(each.container.env).some(({ name }) => name === 'WEFT_PACKET_RULES');
    const rights = [...(writes ? ['NET_ADMIN'] : []), 'NET_RAW', 'SETGID', 'SETUID'];
    if (added.length > 0) assert.deepEqual([...added].sort(), rights, each.where);
    else assert.equal(allowed(each, 'runAsNonRoot'), true, each.where);
  }
});

test('both images start as nobody in particular, from nothing, without a shell', () => {
  for (const file of ['Dockerfile.sidecar', 'Dockerfile.injector']) {
    const last = readFileSync(`${root}/${file}`, 'utf8')
      .split(/^FROM /m)
      .at(-1)!;
    assert.match(last, /^scratch\n/, file);
    assert.match(last, /^USER 1337:1337$/m, file);
    assert.doesNotMatch(last, /^RUN /m, file);
    assert.doesNotMatch(readFileSync(`${root}/${file}`, 'utf8'), /rootfs\.sh[^\n]*\/bin\/(?:ba)?sh/, file);
  }
});
