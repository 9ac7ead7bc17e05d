import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ATTRIBUTES } from './attributes.ts';
import { compileExpression, expressionFault, type Readers, type Value } from './index.ts';

type Request = Readonly<Record<string, Value>>;

const readers = Object.fromEntries(
  Object.entries(ATTRIBUTES).map(([name, type]) => [
    name,
    type === 'map'
      ? (request: Request, key: string) => request[`${name} ${key}`]
      : (request: Request) => request[name],
  ]),
) as unknown as Readers<Request>;

const request: Request = {
  'request.path': '/v1/cart?id=7',
  'request.url_path': '/v1/cart',
  'request.method': 'GET',
  'request.host': 'cart.shop',
  'request.size': 10,
  'request.total_size': 3,
  'response.code': 503,
  'connection.mtls': true,
  'request.headers x-team': 'red',
};

function result(source: string): Value {
  return compileExpression(source, readers).evaluate(request);
}

const values: readonly (readonly [source: string, value: Value])[] = [
  ['response.code >= 400', true],
  ['response.code >= 400 && response.code < 500', false],
  ['response.code == 503 || request.method == "POST"', true],
  ['connection.mtls', true],
  ['!connection.mtls', false],
  ['connection.mtls == false', false],
  ["request.url_path.startsWith('/v1/') && !request.url_path.endsWith('z')", true],
  ["request.path.contains('id=')", true],
  ["request.url_path.matches('^/v[0-9]+/')", true],
  ["request.url_path.matches('cart')", true],
  ["request.url_path.matches('^cart')", false],
  ["request.headers['x-team']", 'red'],
  ["request.headers['X-Team'] == 'red'", true],
  ["'x-team' in request.headers", true],
  ["'x-other' in request.headers", false],
  ["has(request.headers['x-other'])", false],
  ['has(response.code)', true],
  ['has(response.grpc_status)', false],
  ["has(response.grpc_status) ? string(response.grpc_status) : 'none'", 'none'],
  ["request.method in ['GET', 'HEAD']", true],
  ['response.code in [500, 502]', false],
  ["response.code >= 500 ? '5xx' : 'ok'", '5xx'],
  ['string(response.code)', '503'],
  ["request.method + ' ' + request.host", 'GET cart.shop'],
  ['request.size + request.total_size * 2', 16],
  ['request.size / request.total_size', 3],
  ['request.size % request.total_size', 1],
  ['request.size / 0', undefined],
  ['-request.size', -10],
  ['(request.size - 3) * 2 == 14', true],
  ['request.size > 9.5', true],
  ['size(request.host) == 9 && request.method.size() == 3', true],
  ["int('12') == 12 && int('x') == 1", undefined],
  ['0x1f', 31],
  ["r'\\d' + '\\t\\x41\\u0042'", '\\d\tAB'],
  ['"""a"b"""', 'a"b'],
  // What is absent makes what needs it absent, unless the other side decides.
  ['response.grpc_status == 1', undefined],
  ['response.grpc_status == 1 || true', true],
  ['true || response.grpc_status == 1', true],
  ['response.grpc_status == 1 && false', false],
  ['response.grpc_status == 1 || false', undefined],
];

for (const [source, value] of values) {
  test(`${source} is ${value}`, () => assert.deepEqual(result(source), value));
}

const faults: readonly (readonly [source: string, words: RegExp])[] = [
  ['', /is empty/],
  ['response.cod >= 400', /no attribute is called response\.cod; did you mean response\.code\?/],
  ['request.protocol | "unknown"', /expression of Mixer.*write has\(a\) \? a : b \(character 18\)/],
  ['response.code = 400', /write ==/],
  ['response.code & 1', /write &&/],
  [
    'response.code >= "400"',
    /'>=' cannot be done with a whole number and a text; write numbers without quotes/,
  ],
  ['response.code', /must come to true or false/],
  ['response.code >', /ends too early/],
  ['(response.code > 1', /'\)' is missing/],
  ['response.code > 1 1', /'1' was not expected/],
  ["request.path == 'x", /a text is not closed/],
  ['request.headers', /must be asked for one name/],
  ['request.headers[request.path] == "x"', /must be written out/],
  ["request.path.matches('(')", /not valid RE2/],
  ['request.path.matches(request.host)', /pattern that is written out/],
  ["request.path.beginsWith('x')", /no function is called beginsWith/],
  ["request.path.startWith('x')", /did you mean startsWith\?/],
  ['[1].exists(x, x == 1)', /macros over lists are not supported; write x in \[a, b\]/],
  ["[1, 'x'] == [1]", /a list must be of one type/],
  ["1 in ['a']", /a whole number is in no list of texts/],
  ["true ? 1 : 'a'", /both sides of '\?:' must be of one type/],
  ['response.code ? true : false', /'\?' wants true or false/],
  ["metadata['x'] == 'y'", /dynamic metadata does not exist here/],
  ["filter_state.upstream_peer.app == 'x'", /labels source_\* and destination_\*/],
  ["upstream_peer.labels['app'].value == 'x'", /destination_\* of metrics name the peer/],
  ['{"a": 1}', /maps and messages are not supported/],
  [`${'('.repeat(100)}1${')'.repeat(100)} == 1`, /levels deep/],
  [`${'!'.repeat(100)}true`, /levels deep/],
  [`request.path == '${'x'.repeat(5000)}'`, /4096 is the most/],
];

for (const [source, words] of faults) {
  test(`no filter: ${source.slice(0, 60)}`, () =>
    assert.match(expressionFault(source, 'filter') ?? 'none', words));
}

test('a tag may be of any type that can be written down', () => {
  assert.equal(expressionFault('response.code', 'tag'), undefined);
  assert.equal(expressionFault('connection.mtls', 'tag'), undefined);
  assert.match(expressionFault('[1]', 'tag')!, /comes to a list/);
});

test('the headers that an expression reads are known beforehand, in lower case', () => {
  const compiled = compileExpression(
    "request.headers['X-Team'] == 'a' || 'x-b' in response.headers || has(request.headers.host)",
    readers,
  );
  assert.deepEqual(compiled.requestHeaders, ['x-team', 'host']);
  assert.deepEqual(compiled.responseHeaders, ['x-b']);
});
