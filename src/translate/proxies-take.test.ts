// What any translator accepts, proxies take: awkward values for every field of every golden input, one at a time, translated,
// resolved, sent as JSON and given to the code that proxies run.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { TestClusterHost } from '../cluster/testing/clusters.ts';
import { seeded } from '../cluster/testing/random.ts';
import type { Mesh, Resource } from '../model/index.ts';
import { Destinations } from '../proxy/destinations/destinations.ts';
import { InboundPorts } from '../proxy/destinations/inbound-ports.ts';
import type { Change } from '../registry/index.ts';
import { type Caller, resolveDestination, resolveInbound } from '../resolve/index.ts';
import { changesOf } from './testing/from-yaml.ts';
import { Translator } from './translator.ts';

const folder = join(import.meta.dirname, 'golden');

const texts: readonly string[] = [
  ...[
    '',
    ' ',
    'a b',
    'a\nb',
    'a\r\nx: y',
    '\0',
    '\x7f',
    'ä',
    'š',
    '\u010a',
    '😀',
    '"',
    ';',
    'a;b',
    'a,b',
    '/',
  ],
  ...['#', '/a#b', '/a?b', '/a\\b', '%', '%%', '%NOBODY%', '%REQ(', '%REQ(a\nb)%', '%PROTOCOL%\u010a'],
  ...['\\9', '\\', '\\x', '(', '[', '(?=a)', 'a{1001}', '((a{99}){99})', '(a|b|c|d|e){900}', '*', '**', '+'],
  ...['0', '-1', '-1s', '1e9h', '0ns', `${'9'.repeat(400)}h`, '2000000h', '1000000%', 'NaN', 'Infinity'],
  ...['host', ':authority', ':path', 'content-length', 'Transfer-Encoding', 'X-Forwarded-Client-Cert', 'GET'],
  ...['__proto__', 'constructor', 'x'.repeat(5000), '[::1', 'a:b:c', 'a:99999', 'user@host', '*.com', '~/*'],
];
const numbers: readonly number[] = [
  0,
  -1,
  1.5,
  1e-9,
  99,
  100,
  101,
  199,
  600,
  65_536,
  2 ** 32,
  2 ** 53,
  1e300,
];

/** Copies of the value with one text, number or name of a field exchanged. */
function* awkward(value: unknown): Iterable<unknown> {
  if (typeof value === 'string') yield* texts;
  else if (typeof value === 'number') yield* numbers;
  else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) for (const each of awkward(value[i])) yield value.with(i, each);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      for (const each of awkward(inner)) yield { ...value, [name]: each };
      if (typeof inner !== 'string') continue;
      // Names of headers and the like.
      const { [name]: _, ...rest } = value as Record<string, unknown>;
      for (const each of texts) yield { ...rest, [each]: inner };
    }
  }
}

const callers: readonly Caller[] = ['shop', 'default', 'web'].map(namespace => ({ namespace, labels: {} }));

/** What the proxies of some callers would be told anew. `touched`: see Update. */
function* resourcesOf(mesh: Mesh, touched: ReadonlySet<string>): Iterable<Resource> {
  for (const fact of touched) {
    const written = /^(?:route-tables|traffic-policies) (.*)$/.exec(fact)?.[1];
    if (written === undefined) continue;
    const host = written.startsWith('*') ? `a${written.slice(1)}` : written;
    const service = mesh.services.get(mesh.serviceByHost.get(host) ?? '');
    for (const caller of callers)
      for (const port of service?.ports.map(each => each.number) ?? [80])
        yield resolveDestination(mesh, caller, `${host}:${port}`).resource;
  }
  for (const key of mesh.workloads.keys()) {
    const { resource } = resolveInbound(mesh, key);
    if (resource) yield resource;
  }
}

/** So many of each input, spread evenly: enough to meet every kind of field with every kind of value. */
const most = 1500;

/** Changes that exchange one value of one of the objects. */
function* mutants(changes: readonly Change[]): Iterable<Change> {
  const fields = changes.flatMap(change =>
    change.type === 'put' ? ['spec', 'matches'].map(field => [change, field] as const) : [],
  );
  const all = fields.map(([{ stored }, field]) => [...awkward(stored.object[field])]);
  const every = Math.max(1, all.flat().length / most);
  let at = 0;
  for (const [index, [change, field]] of fields.entries()) {
    for (const value of all[index]!) {
      at++;
      if (at % every >= 1) continue;
      const object = { ...change.stored.object, [field]: value };
      yield { ...change, stored: { ...change.stored, object } };
    }
    yield change;
  }
}

/** A proxy; what it says to a resource. */
function proxy(): (resource: Resource) => string | undefined {
  const host = new TestClusterHost(seeded(1));
  const destinations = new Destinations({ want: () => {}, forget: () => {} }, host);
  const ports = new InboundPorts(host, 'strict');
  const seen = new Map<string, string>();
  return told => {
    const json = JSON.stringify(told);
    // What was taken before is taken again.
    if (seen.get(told.key) === json) return undefined;
    seen.set(told.key, json);
    const resource = JSON.parse(json) as Resource;
    assert.deepEqual(resource, told, 'JSON has no such value');
    if (resource.kind === 'inbound') return ports.apply(resource);
    if (resource.kind !== 'destination') return undefined;
    destinations.adopt(resource.key);
    return destinations.applyDestination(resource);
  };
}

/** A pod that every limit of the namespace can select. */
const pod = `
apiVersion: v1
kind: Pod
metadata: {name: app-0, namespace: shop, labels: {app: productpage}}
spec: {serviceAccountName: app, containers: [{name: app, ports: [{containerPort: 9080}]}]}
status: {podIP: 10.1.1.1, podIPs: [{ip: 10.1.1.1}], phase: Running}
`;

for (const input of globSync('{istio,gateway,smi,linkerd,consul,weft,kubernetes}/*.yaml', {
  cwd: folder,
}).sort()) {
  test(`what translators accept instead of ${input}, proxies take`, () => {
    const changes = [
      ...changesOf(pod, 'pod.yaml'),
      ...changesOf(readFileSync(join(folder, input), 'utf8'), basename(input)),
    ];
    const take = proxy();
    const translator = new Translator();
    translator.apply(changes);
    for (const change of mutants(changes)) {
      const { mesh, touched } = translator.apply([change]);
      for (const resource of resourcesOf(mesh, touched)) {
        const reason = take(resource);
        if (reason !== undefined) assert.fail(`${reason}: ${JSON.stringify(change)}`);
      }
    }
  });
}

/** Names of fields whose value is a map of what users write, so that a field more would be one thing more that is said. */
const maps = new Set([
  'labels',
  'entries',
  'headers',
  'set',
  'add',
  'mappings',
  'overrides',
  'tags',
  'claims',
]);

/** As a control plane of a later version says it: with fields in every object that no proxy of this version knows. */
function later(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map(each => later(each, name));
  if (typeof value !== 'object' || value === null) return value;
  const known = Object.fromEntries(Object.entries(value).map(([inner, each]) => [inner, later(each, inner)]));
  return maps.has(name) ? known : { laterField: { on: true, list: [1, null] }, ...known, laterText: 'x' };
}

test('fields of a later version are passed over: of every golden input, in every object', () => {
  let taken = 0;
  for (const input of globSync('{istio,gateway,smi,linkerd,consul,weft,kubernetes}/*.yaml', {
    cwd: folder,
  })) {
    const translator = new Translator();
    const { mesh, touched } = translator.apply([
      ...changesOf(pod, 'pod.yaml'),
      ...changesOf(readFileSync(join(folder, input), 'utf8'), basename(input)),
    ]);
    const [take, takeLater] = [proxy(), proxy()];
    for (const resource of resourcesOf(mesh, touched)) {
      if (take(resource) !== undefined) continue;
      const reason = takeLater(later(resource) as Resource);
      if (reason !== undefined) assert.fail(`${input}: ${reason}: ${JSON.stringify(resource)}`);
      taken++;
    }
  }
  assert.ok(taken > 100, `${taken} resources`);
});
