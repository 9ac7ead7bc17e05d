// Option by option: what holds changes what a file says, what is ignored changes nothing and says so, what is refused is an error
// with the reason.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSentinel } from './index.ts';
import { root } from './schema/root.ts';
import { optionCases, placeless } from './testing/option-cases.ts';

/** What a file says, without where it says it. */
function said(text: string): string {
  const { configuration } = readSentinel(text, 'f');
  return JSON.stringify(configuration, (key, value: unknown) =>
    key === 'at' ? undefined : value instanceof Set ? [...value] : value,
  );
}

const problemsOf = (text: string) => readSentinel(text, 'f').problems;

/** They hold, and what they change is not in what one file says by itself; each with where it is shown. */
const elsewhere: Readonly<Record<string, string>> = {
  'listeners listener id': 'it is said before the block',
  'routes route id': 'it is said before the block',
  'upstreams upstream id': 'it is said before the block',
  'listeners listener protocol': 'read.test.ts: it needs a certificate',
  'listeners listener tls sni acme dns-provider type': 'there is one',
  'listeners listener tls client-cert': 'read.test.ts: it belongs into an upstream, which a warning says',
  'listeners listener tls client-key': 'the same',
  'listeners listener tls ca-cert': 'the same',
  'routes route waf-enabled': 'read.test.ts: refused where it is true',
  'routes route static-files directory-listing': 'read.test.ts: refused where it is true',
  'routes route error-pages template-dir': 'page-templates.test.ts',
  'routes route error-pages pages 400 template': 'page-templates.test.ts',
  'rate-limits key': 'there is one',
  'rate-limits global key': 'there is one',
  'schema-version': 'read.test.ts: another version is refused',
  include: 'files.test.ts',
  'listeners listener namespace': 'scopes.test.ts',
  'listeners listener default-route': 'scopes.test.ts',
  'upstreams upstream static': 'read.test.ts, beside a discovery',
  'routes route upstream': 'it names one that is there',
  'routes route filters': 'read.test.ts',
  'routes route shadow upstream': 'read.test.ts',
  'filters filter (type "rate-limit") backend': 'there is one',
};

const cases = optionCases(root);

test('every block has a place in a file, so that no option is left out', () => {
  // What stands in namespaces stands outside of them, too; their own options are in scopes.test.ts.
  const missing = placeless(root).filter(path => !path.startsWith('namespace '));
  assert.deepEqual(missing, ['filters filter id', 'filters filter type']);
  assert.ok(cases.length > 200, `${cases.length}`);
});

for (const { path, option, text, without } of cases) {
  const mark = option.mark ?? 'supported';
  if (mark === 'supported' && path in elsewhere) continue;
  test(`${path}: ${mark}`, () => {
    const found = problemsOf(text);
    const errors = found.filter(each => each.severity === 'error').map(each => each.message);
    if (mark === 'refused') {
      assert.ok(
        errors.some(each => each.includes(`is not supported: ${option.why}`)),
        errors.join(),
      );
      return;
    }
    assert.deepEqual(errors, [], text);
    if (mark === 'ignored') {
      assert.ok(
        found.some(each => each.message.includes(`has no effect: ${option.why}`)),
        text,
      );
      assert.ok(said(text) === said(without), text);
    } else assert.ok(said(text) !== said(without), text);
  });
}
