// ConfigMaps whose keys are fields of headers: custom-headers, auth-proxy-set-headers, add-headers and proxy-set-headers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteRule } from '../../model/index.ts';
import { changesOf } from '../testing/from-yaml.ts';
import { Translator } from '../translator.ts';

const ingressClass = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'nginx' },
  spec: { controller: 'weft.dev/ingress-controller' },
};

function ingress(annotations: Readonly<Record<string, string>>, path = '/'): object {
  const own = Object.entries(annotations).map(([name, value]) => [
    `nginx.ingress.kubernetes.io/${name}`,
    value,
  ]);
  const backend = { service: { name: 'web', port: { number: 80 } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web', namespace: 'shop', annotations: Object.fromEntries(own) },
    spec: {
      ingressClassName: 'nginx',
      rules: [{ host: 'a.test', http: { paths: [{ path, pathType: 'Exact', backend }] } }],
    },
  };
}

function configMap(key: string, data: Readonly<Record<string, string>>): object {
  const [namespace, name] = key.split('/');
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

const settings = (data: Readonly<Record<string, string>>): object =>
  configMap('ingress-nginx/ingress-nginx-controller', data);

/** A translator that has been told these, and what it says of the only host. */
class Told {
  readonly #translator = new Translator();

  constructor(...objects: readonly object[]) {
    this.put(ingressClass, ...objects);
  }

  put(...objects: readonly object[]): void {
    this.#translator.apply(changesOf(objects.map(each => JSON.stringify(each)).join('\n---\n')));
  }

  delete(kind: string, key: string): void {
    this.#translator.apply([{ type: 'delete', kind, key }]);
  }

  get rules(): readonly RouteRule[] {
    return [...this.#translator.mesh.routeTables.values()].flat().flatMap(table => table.http);
  }

  get rule(): RouteRule {
    const [rule, ...more] = this.rules;
    assert.equal(more.length, 0);
    return rule!;
  }

  /** `Ingress header-fields-unusable custom-headers` */
  get problems(): readonly string[] {
    return this.#translator
      .problems()
      .map(
        ({ object, code, path = '' }) =>
          `${object?.kind} ${code} ${path.replace(/^.*[/']([a-z-]+)'\]$/, '$1')}`,
      );
  }

  get words(): string {
    return this.#translator
      .problems()
      .map(each => each.message)
      .join('\n');
  }
}

const allowed = settings({ 'global-allowed-response-headers': 'X-Frame-Options, X-Mode,Server' });

test('custom-headers sets the fields of answers, as they stand there; an empty one is taken away', () => {
  const told = new Told(
    allowed,
    ingress({ 'custom-headers': 'shop/headers' }),
    configMap('shop/headers', { 'X-Frame-Options': 'DENY', 'X-Mode': '100% $host', Server: '' }),
  );
  assert.deepEqual(told.problems, []);
  assert.deepEqual(told.rule.responseHeaders, {
    remove: ['server'],
    set: [
      ['x-frame-options', 'DENY'],
      ['x-mode', '100%% $host'],
    ],
  });
  told.put(configMap('shop/headers', { 'X-Mode': 'other' }));
  assert.deepEqual(told.rule.responseHeaders, { set: [['x-mode', 'other']] });
});

test('without the ConfigMap, or with what is not allowed, paths answer 503; what held before holds on', () => {
  const told = new Told(allowed, ingress({ 'custom-headers': 'headers' }));
  assert.deepEqual(told.problems, ['Ingress header-fields-unusable custom-headers']);
  assert.match(told.words, /there is no ConfigMap shop\/headers that Weft can read/);
  assert.equal((told.rule.action as { status?: number }).status, 503);

  told.put(configMap('shop/headers', { 'X-Other': 'a' }));
  assert.match(told.words, /has x-other, which global-allowed-response-headers/);
  assert.equal((told.rule.action as { status?: number }).status, 503);

  told.put(configMap('shop/headers', { 'X-Mode': 'a' }));
  assert.deepEqual(told.problems, []);
  assert.equal(told.rule.action.kind, 'forward');

  // A ConfigMap that turns into none keeps what it had, also for who names it from now on.
  told.put(configMap('shop/headers', { 'X Mode': 'b' }));
  assert.match(told.words, /data\['X Mode'\] is no name of a header/);
  assert.deepEqual(told.rule.responseHeaders, { set: [['x-mode', 'a']] });
  told.put(ingress({ 'custom-headers': 'headers' }, '/new'));
  assert.equal(told.rule.matches[0]?.request?.path?.value, '/new');
  assert.deepEqual(told.rule.responseHeaders, { set: [['x-mode', 'a']] });

  told.delete('ConfigMap', 'shop/headers');
  assert.deepEqual(told.problems, ['Ingress header-fields-unusable custom-headers']);
  assert.deepEqual(told.rule.responseHeaders, { set: [['x-mode', 'a']] });

  told.put(ingress({}));
  assert.deepEqual(told.problems, []);
  assert.equal(told.rule.responseHeaders, undefined);
});

test('an Ingress that begins to name a ConfigMap which is not known yet stays what it was until it is', () => {
  const told = new Told(allowed, ingress({}));
  told.put(ingress({ 'custom-headers': 'headers' }));
  assert.equal(told.rule.action.kind, 'forward');
  told.put(configMap('shop/headers', { 'X-Mode': 'a' }));
  assert.deepEqual(told.rule.responseHeaders, { set: [['x-mode', 'a']] });
  assert.deepEqual(told.problems, []);
});

test('auth-proxy-set-headers are fields of the question of auth-url', () => {
  const asked = {
    'auth-url': 'http://auth.shop.svc.cluster.local/',
    'auth-proxy-set-headers': 'shop/fields',
  };
  const told = new Told(
    ingress(asked),
    configMap('shop/fields', { 'X-Host': '$host', Accept: 'text/plain' }),
  );
  assert.deepEqual(told.problems, []);
  assert.deepEqual(told.rule.edge?.authRequest?.requestHeaders, [
    ['accept', 'text/plain'],
    ['x-host', '$host'],
  ]);
  told.put(ingress({ ...asked, 'auth-proxy-set-headers': 'vault/fields' }));
  assert.match(told.words, /'vault\/fields' is of another namespace; copy it to shop/);
});

test('add-headers holds for all answers, proxy-set-headers for all requests to backends, below what Ingresses say', () => {
  const told = new Told(
    settings({
      ...{ 'add-headers': 'ingress-nginx/add', 'proxy-set-headers': 'ingress-nginx/set' },
      'global-allowed-response-headers': 'X-Mode',
    }),
    configMap('ingress-nginx/add', { 'X-Mode': 'all', 'X-More': '' }),
    configMap('ingress-nginx/set', { 'X-Host': '$http_host', 'X-Bad': '$no_such_thing' }),
    configMap('shop/headers', { 'X-Mode': 'own' }),
    ingress({ 'app-root': '/shop', 'custom-headers': 'shop/headers' }),
  );
  assert.deepEqual(told.problems, ['ConfigMap header-fields-unusable proxy-set-headers']);
  assert.match(told.words, /x-bad of ConfigMap ingress-nginx\/set has the variable \$no_such_thing/);
  const [root, path] = told.rules;
  assert.deepEqual(root!.responseHeaders?.remove, ['x-more']);
  assert.deepEqual(root!.responseHeaders?.set?.[0], ['x-mode', 'all']);
  assert.deepEqual(path!.responseHeaders, { remove: ['x-more'], set: [['x-mode', 'own']] });
  assert.deepEqual(path!.requestHeaders, { set: [['x-host', '%REQ(:authority)%']] });

  told.put(configMap('ingress-nginx/set', { 'X-Host': 'a' }));
  assert.deepEqual(told.problems, []);
  assert.deepEqual(told.rules[1]!.requestHeaders, { set: [['x-host', 'a']] });
  told.delete('ConfigMap', 'ingress-nginx/add');
  assert.deepEqual(told.problems, ['ConfigMap header-fields-unusable add-headers']);
  assert.deepEqual(told.rules[1]!.responseHeaders, { set: [['x-mode', 'own']] });
});
