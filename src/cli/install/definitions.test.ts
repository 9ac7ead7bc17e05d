import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Report } from '../../translate/report.ts';
import { weft } from '../../translate/weft/index.ts';
import { policyDefinitions } from './definitions.ts';
import { pluralOf } from './rbac.ts';

type Fields = Readonly<Record<string, unknown>>;
interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Node } }[];
  };
}
interface Node {
  readonly type: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

const definitions = policyDefinitions({}) as unknown as readonly Definition[];

test('every kind of policy.weft.dev has a definition, named as the role names it', () => {
  assert.deepEqual(
    definitions.map(each => `${each.spec.names.kind}.policy.weft.dev`),
    weft.map(each => each.kind),
  );
  for (const { metadata, spec } of definitions) {
    assert.equal(spec.names.plural, pluralOf(spec.names.kind));
    assert.equal(metadata.name, `${spec.names.plural}.policy.weft.dev`);
  }
});

test('every field of a definition is one that the translator reads', () => {
  for (const { spec } of definitions) {
    const { kind } = spec.names;
    const schema = spec.versions[0]!.schema.openAPIV3Schema.properties!.spec!;
    const report = new Report({ apiVersion: '', kind, namespace: 'shop', name: 'all' });
    const translator = weft.find(each => each.kind.startsWith(`${kind}.`))!;
    const metadata = { name: 'all', namespace: 'shop' };
    const context = {
      trustDomain: 'cluster.local',
      clusterDomain: 'cluster.local',
      rootNamespaces: [],
      site: {},
    };
    translator.translate(
      { apiVersion: '', kind, metadata, spec: example(schema) as Fields },
      context,
      report,
    );
    const unknown = report.problems.filter(each => /misspelt|is no condition/.test(each.message));
    assert.deepEqual(
      unknown.map(each => each.path),
      [],
    );
  }
});

/** An object with all fields of the schema, whose values need not be good. */
function example({ type, properties, items }: Node): unknown {
  if (type === 'object')
    return Object.fromEntries(Object.entries(properties ?? {}).map(([name, node]) => [name, example(node)]));
  if (type === 'array') return [example(items!)];
  return type === 'string' ? 'a' : type === 'boolean' ? true : 1;
}
