import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Report } from '../report.ts';
import { ANNOTATIONS } from './annotations.table.ts';
import { Annotations, NGINX_PREFIX, unknown } from './annotations.ts';
import { INGRESS_DEFAULTS } from './ingress-model.ts';
import { NEVER_EXISTED } from './never-existed.table.ts';
import { readSettings } from './settings.ts';
import { SNIPPET_DIRECTIVES } from './snippet-rules.ts';

const object = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace: 'shop', name: 'web' };
const docs = readFileSync(join(import.meta.dirname, '../../../docs/policies/ingress.md'), 'utf8');

test('every annotation is listed once, and none that never existed is among them', () => {
  const names = ANNOTATIONS.map(each => each.name);
  assert.deepEqual(names, [...new Set(names)]);
  assert.deepEqual(
    names.filter(each => NEVER_EXISTED.has(each)),
    [],
  );
});

test('docs/policies/ingress.md has the same rows', () => {
  const missing = ANNOTATIONS.filter(
    ({ name, words, default: whenUnsaid }) =>
      !docs.includes(`| \`${name}\` | ${whenUnsaid === '' ? '' : `\`${whenUnsaid}\` `}| ${words} |`),
  );
  assert.deepEqual(
    missing.map(each => each.name),
    [],
  );
  assert.deepEqual(
    SNIPPET_DIRECTIVES.filter(each => !docs.includes(`\`${each}\``)),
    [],
  );
});

test('every annotation that works is read by somebody', () => {
  const read = new Set<string>();
  class Watched extends Annotations {
    override text(name: string): string | undefined {
      read.add(name);
      return super.text(name);
    }
    override has(name: string): boolean {
      read.add(name);
      return super.has(name);
    }
  }
  const report = new Report(object);
  const wanted = ANNOTATIONS.filter(each => each.support === 'works').map(each => each.name);
  // What only counts beside another one is read where that is there.
  const values = {
    canary: 'true',
    'enable-cors': 'true',
    'auth-type': 'basic',
    'auth-secret': 'a',
    affinity: 'cookie',
  };
  const all = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${NGINX_PREFIX}${name}`, value]),
  );
  readSettings(new Watched(all, report), {
    namespace: 'shop',
    name: 'web',
    clusterDomain: 'cluster.local',
    defaults: INGRESS_DEFAULTS,
    report,
  });
  assert.deepEqual(report.problems, []);
  assert.deepEqual(
    wanted.filter(each => !read.has(each)),
    [],
  );
});

test('a name that nobody has is told apart by what was meant', () => {
  assert.match(unknown('rate-limit'), /write limit-rps/);
  assert.match(unknown('proxy_read_timeout'), /did you mean proxy-read-timeout\?/);
  assert.match(unknown('Proxy-Body-Size'), /did you mean proxy-body-size\?/);
  assert.match(unknown('frobnicate'), /never had an effect$/);
});

test('what is read and has no effect is told, what asks for nothing is not', () => {
  const problems = (values: Record<string, string>) => {
    const report = new Report(object);
    const all = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [`${NGINX_PREFIX}${name}`, value]),
    );
    readSettings(new Annotations(all, report), {
      namespace: 'shop',
      name: 'web',
      clusterDomain: 'cluster.local',
      defaults: INGRESS_DEFAULTS,
      report,
    });
    return report.problems.map(({ path }) => path?.replace(/^.*\/|'\]$/g, ''));
  };
  const cookie = { affinity: 'cookie' };
  const mirror = { 'mirror-target': 'http://copy/$request_uri' };
  assert.deepEqual(problems({ 'mirror-host': 'no host', ...mirror }), ['mirror-host']);
  const nothing = {
    'proxy-next-upstream-timeout': '0',
    'affinity-canary-behavior': 'sticky',
    'mirror-request-body': 'on',
    'mirror-host': 'copy',
  };
  assert.deepEqual(problems({ ...nothing, ...cookie, ...mirror }), []);
});
