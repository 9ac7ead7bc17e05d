// Each dialect judges the Ingresses of its own classes, and what is said in one concerns who relies on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteRule } from '../../model/index.ts';
import type { KindTranslator } from '../dialect.ts';
import { dialects } from '../dialects.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import { changesOf } from '../testing/from-yaml.ts';
import { Translator } from '../translator.ts';
import { IngressAssembler } from './ingresses.ts';

type Dialect = 'ingress-nginx' | 'haproxy' | 'traefik';

/** An annotation of each that refuses an Ingress, and one that is warned about. */
const WRONG: Readonly<Record<Dialect, Readonly<Record<string, string>>>> = {
  'ingress-nginx': {
    'nginx.ingress.kubernetes.io/whitelist-source-range': 'everybody',
    'nginx.ingress.kubernetes.io/never-existed': 'x',
  },
  haproxy: { 'haproxy.org/allow-list': 'everybody', 'haproxy.org/never-existed': 'x' },
  traefik: {
    'traefik.ingress.kubernetes.io/router.priority': 'high',
    'traefik.ingress.kubernetes.io/never-existed': 'x',
  },
};
const names = Object.keys(WRONG) as Dialect[];

function classOf(dialect: Dialect, name = 'ours'): object {
  return {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' },
    metadata: { name, annotations: { 'weft.dev/dialect': dialect } },
    spec: { controller: 'weft.dev/ingress-controller' },
  };
}

function ingress(
  annotations: Readonly<Record<string, string>>,
  paths: readonly string[] = ['/'],
  name = 'web',
): object {
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const rule = {
    host: `${name}.test`,
    http: { paths: paths.map(path => ({ path, pathType: 'Exact', backend })) },
  };
  return {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
    metadata: { name, namespace: 'shop', annotations },
    spec: { ingressClassName: 'ours', rules: [rule] },
  };
}

function middleware(name: string, spec: object): object {
  const head = {
    apiVersion: 'traefik.io/v1alpha1',
    kind: 'Middleware',
    metadata: { name, namespace: 'shop' },
  };
  return { ...head, spec };
}

const yaml = (objects: readonly object[]): string =>
  objects.map(each => JSON.stringify(each)).join('\n---\n');

class Told {
  readonly #translator = new Translator();

  put(...objects: readonly object[]): void {
    this.#translator.apply(changesOf(yaml(objects)));
  }

  get rules(): readonly RouteRule[] {
    return [...this.#translator.mesh.routeTables.values()].flat().flatMap(table => table.http);
  }

  get errors(): readonly string[] {
    return this.#translator
      .problems()
      .flatMap(({ severity, path = '' }) => (severity === 'error' ? [path.replace(/^.*\/|'\]$/g, '')] : []));
  }
}

const paths = (rules: readonly RouteRule[]): readonly string[] =>
  rules.map(({ matches, action }) => `${matches[0]?.request?.path?.value} ${action.kind}`);

test('what is wrong in the words of another dialect neither refuses an Ingress nor is told as its error', () => {
  for (const dialect of names) {
    const told = new Told();
    const others = names.filter(each => each !== dialect).map(each => WRONG[each]);
    told.put(classOf(dialect), ingress(Object.assign({}, ...others)));
    assert.deepEqual(told.errors, [], dialect);
    assert.deepEqual(paths(told.rules), ['/ forward'], dialect);
  }
});

test('what is wrong in its own refuses it, and a class that comes to speak another judges it anew', () => {
  for (const dialect of names) {
    const told = new Told();
    told.put(classOf(dialect), ingress(WRONG[dialect]));
    assert.equal(told.errors.length, 2, `${dialect}: the annotation, and that it is closed`);
    assert.deepEqual(paths(told.rules), ['/ respond'], dialect);
    for (const other of names.filter(each => each !== dialect)) {
      told.put(classOf(other));
      assert.deepEqual([told.errors, paths(told.rules)], [[], ['/ forward']], `${dialect} to ${other}`);
      told.put(classOf(dialect));
      assert.deepEqual(paths(told.rules), ['/ respond'], `${other} to ${dialect}`);
    }
  }
});

test('a path that comes together with a wrong annotation is not served without what it asks for', () => {
  for (const dialect of names) {
    const told = new Told();
    told.put(classOf(dialect), ingress({}));
    told.put(ingress(WRONG[dialect], ['/', '/admin']));
    assert.deepEqual(paths(told.rules), ['/ forward'], `${dialect}: all of it is what it was`);
    told.put(ingress({}, ['/', '/admin']));
    assert.deepEqual(told.errors, [], dialect);
    assert.equal(told.rules.length, 2, dialect);
  }
});

test("ingress-nginx's ConfigMap is judged where a class speaks its dialect", () => {
  const config = {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', data: { 'proxy-read-timeout': 'long', 'hide-headers': 'x' } },
    metadata: { name: 'ingress-nginx-controller', namespace: 'ingress-nginx' },
  };
  const told = new Told();
  told.put(classOf('ingress-nginx'), config);
  assert.deepEqual(told.errors, ["data['proxy-read-timeout"]);
  told.put(classOf('traefik'));
  assert.deepEqual(told.errors, []);
});

/** Parts of objects as they come to the assembler, which is asked how much it makes anew. */
class Counted {
  readonly #assembler = new IngressAssembler('cluster.local');
  readonly #parts = new Map<string, readonly Part[]>();

  /** How much was made anew because of them. */
  put(...objects: readonly object[]): number {
    const before = this.#assembler.made;
    for (const change of changesOf(yaml(objects))) {
      if (change.type !== 'put') continue;
      dialects.forEach((translator, index) => {
        if (translator.kind === change.kind)
          this.#replace(`${translator.kind} ${index} ${change.key}`, translator, change.stored);
      });
    }
    this.#assembler.expand(() => {});
    return this.#assembler.made - before;
  }

  #replace(
    id: string,
    translator: KindTranslator,
    {
      object,
      ref,
    }: { readonly object: Parameters<KindTranslator['translate']>[0]; readonly ref: Report['object'] },
  ): void {
    const context = { trustDomain: '', clusterDomain: 'cluster.local', rootNamespaces: [], site: {} };
    const parts = translator.translate(object, context, new Report(ref));
    for (const [all, present] of [
      [this.#parts.get(id) ?? [], false],
      [parts, true],
    ] as const)
      all.forEach((part, index) => {
        if (part.kind === 'ingress' || part.kind === 'ingress-class' || part.kind === 'ingress-words')
          this.#assembler.set(`${id} ${index}`, part, present);
      });
    this.#parts.set(id, parts);
  }
}

test('a Middleware that changes makes anew what refers to it, through chains too, and nothing else', () => {
  const counted = new Counted();
  const using = (name: string): object => {
    const names = { 'traefik.ingress.kubernetes.io/router.middlewares': `shop-${name}@kubernetescrd` };
    return { ...names };
  };
  const many = Array.from({ length: 200 }, (_, index) => ingress({}, ['/'], `other-${index}`));
  const first = counted.put(
    classOf('traefik'),
    ...many,
    ingress(using('add') as Record<string, string>, ['/'], 'direct'),
    ingress(using('chain') as Record<string, string>, ['/'], 'chained'),
    ingress(using('late') as Record<string, string>, ['/'], 'waiting'),
    middleware('add', { addPrefix: { prefix: '/a' } }),
    middleware('chain', { chain: { middlewares: [{ name: 'add' }] } }),
  );
  // A host and what its author is told for each, the backend that all of them have, and the class's listener.
  assert.equal(first, 2 * 203 + 2);
  // Of both Ingresses, and their backend.
  assert.equal(counted.put(middleware('add', { addPrefix: { prefix: '/b' } })), 2 * 2 + 1);
  assert.equal(counted.put(middleware('nobodys', { addPrefix: { prefix: '/b' } })), 0);
  assert.equal(counted.put(middleware('late', { addPrefix: { prefix: '/c' } })), 2 + 1);
  assert.equal(counted.put(ingress({}, ['/'], 'direct')), 2 + 1);
  // That one refers to it no more.
  assert.equal(counted.put(middleware('add', { addPrefix: { prefix: '/d' } })), 2 + 1);
});
