// Golden cases: golden/<code>/bad.yaml has findings of that code, good.yaml is the same without what is wrong. Both come to
// findings.txt, which is refreshed with UPDATE_GOLDEN=1.
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatRef } from '../model/index.ts';
import { CODES, type Finding } from './index.ts';
import { findingsOf } from './testing/findings-of.ts';

const folder = join(import.meta.dirname, 'golden');
const cases = globSync('*/bad.yaml', { cwd: folder })
  .map(each => each.split('/')[0]!)
  .sort();

function line({ severity, code, object, path, reason, remedy }: Finding): string {
  const where = [object ? formatRef(object) : '', path ?? ''].filter(each => each !== '').join(' ');
  return `${severity} ${code}: ${where}\n  ${reason}\n  remedy: ${remedy}\n`;
}

for (const code of cases) {
  test(`${code} is found where it is so, and only there`, () => {
    const of = (file: string): readonly Finding[] =>
      findingsOf(readFileSync(join(folder, code, `${file}.yaml`), 'utf8'), `${file}.yaml`);
    const [bad, good] = [of('bad'), of('good')];
    const got = [...bad, ...good].map(line).join('');
    const expected = join(folder, code, 'findings.txt');
    if (process.env.UPDATE_GOLDEN) writeFileSync(expected, got);
    assert.equal(got, readFileSync(expected, 'utf8'), `${code} differs; UPDATE_GOLDEN=1 writes it anew`);
    assert.ok(
      bad.some(each => each.code === code),
      'bad.yaml is not bad',
    );
    assert.deepEqual(
      good.filter(each => each.code === code),
      [],
    );
  });
}

test('every code of analysis has its golden case', () => {
  assert.deepEqual(
    // About proxies that run, not about objects: sizes.test.ts.
    Object.keys(CODES).filter(code => !cases.includes(code)),
    ['proxy-too-small', 'proxy-too-large'],
  );
});

test('findings name the file and the line of their object', () => {
  const [first] = findingsOf(readFileSync(join(folder, 'target-unknown/bad.yaml'), 'utf8'), 'shop.yaml');
  assert.match(first!.object!.origin!, /^shop\.yaml:\d+$/);
  assert.equal(first!.path, 'spec.http[0]');
});

test('about policies alone nothing is said of hosts and pods that stand elsewhere', () => {
  const yaml = readFileSync(join(folder, 'subset-undefined/bad.yaml'), 'utf8');
  const policies = yaml
    .split('---\n')
    .filter(each => each.includes('istio'))
    .join('---\n');
  assert.deepEqual(
    findingsOf(policies).map(each => each.code),
    ['subset-undefined'],
  );
});

test('what the control plane has written into a status about proxies that refuse an object is found', () => {
  const message =
    'takes effect, but for this: the proxies of shop/a, shop/b do not take this and go on with what they had: VirtualService vs.shop, route vs/0: no; correct it, or restart pods whose proxy is of another version (weft check)';
  const yaml = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs, namespace: shop}
spec: {hosts: [web.example.com], http: [{directResponse: {status: 204}}]}
status: {conditions: [{type: weft.dev/Accepted, status: "True", message: ${JSON.stringify(message)}}]}
`;
  const found = findingsOf(yaml, 'vs.yaml').filter(each => each.code === 'refused-by-proxies');
  assert.equal(found.length, 1);
  assert.match(found[0]!.reason, /^the proxies of shop\/a, shop\/b do not take this .*\(weft check\)$/);
});
