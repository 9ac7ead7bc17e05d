import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DEFAULT_JSON_FORMAT,
  DEFAULT_TEXT_FORMAT,
  formatFault,
  JsonFormat,
  jsonFormatFault,
  OPERATORS,
  type Operator,
  type OperatorReaders,
  type OperatorValue,
  TextFormat,
} from './index.ts';

type Request = Readonly<Record<string, OperatorValue>>;

const readers: OperatorReaders<Request> = {
  plain: Object.fromEntries(
    Object.keys(OPERATORS).map(name => [name, (request: Request) => request[name]]),
  ) as { [O in Operator]: (request: Request) => OperatorValue },
  header: (request, of, name) => request[`${of} ${name}`] as string | undefined,
  time: (_, of) => (of.startsWith('EMIT') ? 1_700_000_000_000 : 1_699_999_999_123.456),
  environment: name => (name === 'POD_NAME' ? 'cart-1' : undefined),
  grpcStatus: request => request.grpc as number | undefined,
};

const request: Request = {
  RESPONSE_CODE: 503,
  RESPONSE_FLAGS: 'UF',
  BYTES_SENT: 0,
  ROUTE_NAME: '',
  UPSTREAM_HOST: '10.0.0.1:80',
  'REQ :path': '/cart?id=7',
  'REQ x-team': 'red "team"',
  'RESP x-b': 'b',
  grpc: 3,
};

const line = (format: string): string => new TextFormat(format, readers).text(request);

const lines: readonly (readonly [format: string, text: string])[] = [
  ['plain', 'plain'],
  ['100%% %RESPONSE_CODE%', '100% 503'],
  ['%RESPONSE_CODE%%RESPONSE_FLAGS%', '503UF'],
  ['%ROUTE_NAME% %UPSTREAM_CLUSTER%', '- -'],
  ['%BYTES_SENT%', '0'],
  ['%REQ(X-TEAM)%', 'red "team"'],
  ['%REQ(X-NONE?X-TEAM):3%', 'red'],
  ['%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%', '/cart?id=7'],
  ['%RESP(X-NONE)% %RESP(x-b)%', '- b'],
  ['%UPSTREAM_HOST:4%', '10.0'],
  ['%START_TIME%', '2023-11-14T22:13:19.123Z'],
  ['%EMIT_TIME%', '2023-11-14T22:13:20.000Z'],
  ['%START_TIME(%Y/%m/%dT%H:%M:%S%z %s)%', '2023/11/14T22:13:19+0000 1699999999'],
  [
    '%START_TIME(%d/%b/%Y %a %e %j %I %p %D %R %T %F)%',
    '14/Nov/2023 Tue 14 318 10 PM 11/14/23 22:13 22:13:19 2023-11-14',
  ],
  ['%START_TIME(%s.%3f)% %START_TIME(%E3S)%', '1699999999.123 19.123'],
  ['%ENVIRONMENT(POD_NAME)% %ENVIRONMENT(NONE)%', 'cart-1 -'],
  ['%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS_NUMBER%', 'InvalidArgument INVALID_ARGUMENT 3'],
];

for (const [format, text] of lines) {
  test(`${format} is ${text}`, () => assert.equal(line(format), text));
}

test('JSON has numbers as numbers, nothing as null, names in order, and maps in maps', () => {
  const format = new JsonFormat(
    {
      status: '%RESPONSE_CODE%',
      both: '%RESPONSE_CODE% %ROUTE_NAME%',
      'a "b"': '%REQ(X-TEAM)%',
      none: '%ROUTE_NAME%',
      inner: { host: '%UPSTREAM_HOST%' },
      text: 'x',
    },
    readers,
  );
  assert.equal(
    format.text(request),
    '{"a \\"b\\"":"red \\"team\\"","both":"503 -","inner":{"host":"10.0.0.1:80"},"none":null,"status":503,"text":"x"}',
  );
});

test("Istio's own formats are ones that can be used, with a line's end behind the text", () => {
  assert.equal(formatFault(DEFAULT_TEXT_FORMAT), undefined);
  assert.equal(jsonFormatFault(DEFAULT_JSON_FORMAT), undefined);
  assert.ok(line(DEFAULT_TEXT_FORMAT).endsWith(' -\n'));
  assert.equal(Object.keys(DEFAULT_JSON_FORMAT).length, 24);
});

test('a format says which headers of the answer it reads, and no others are kept', () => {
  assert.deepEqual(new TextFormat('%REQ(A)% %RESP(X-B?X-C)% %RESP(x-b)%', readers).responseHeaders, [
    'x-b',
    'x-c',
  ]);
  assert.deepEqual(new TextFormat('%GRPC_STATUS%', readers).responseHeaders, ['grpc-status']);
  assert.deepEqual(new JsonFormat({ a: { b: '%RESP(X)%' }, c: '%RESP(X)%' }, readers).responseHeaders, ['x']);
});

const faults: readonly (readonly [format: string, words: RegExp])[] = [
  ['%RESPONSE_CDE%', /no operator is called %RESPONSE_CDE%; did you mean %RESPONSE_CODE%\?/],
  ['%NOTHING_LIKE_IT_AT_ALL%', /docs\/telemetry\.md lists/],
  ['%DYNAMIC_METADATA(a:b)%', /not supported: Envoy's dynamic metadata/],
  ['%REQUEST_DURATION%', /not supported: .*RESPONSE_DURATION/],
  ['50% of', /write %% for a percent sign/],
  ['%RESPONSE_CODE', /close it with %/],
  ['%response_code%', /write its name in capitals, %RESPONSE_CODE%/],
  ['%REQ%', /needs the name of a header/],
  ['%REQ(a b)%', /needs the name of a header/],
  ['%REQ(A?B?C)%', /more than two headers/],
  ['%RESPONSE_CODE(X)%', /takes no argument/],
  ['%ENVIRONMENT%', /needs the name of a variable/],
  ['%GRPC_STATUS(X)%', /CAMEL_STRING/],
  ['%START_TIME(%Q)%', /%Q is none of strftime's/],
  ['%START_TIME():3%', /has no length/],
  [`${'x'.repeat(20_000)}`, /longer than/],
];

for (const [format, words] of faults) {
  test(`no format: ${format.slice(0, 40)}`, () => assert.match(formatFault(format) ?? 'none', words));
}

test('a fault in JSON says which field has it', () => {
  assert.match(jsonFormatFault({ a: { b: '%X%' } })!, /^a\.b: /);
});
