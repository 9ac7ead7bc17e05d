import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AccessLogSettings,
  DEFAULT_RETRY,
  type LogFormat,
  type LogProvider,
  type TelemetrySettings,
} from '../../model/index.ts';
import { LogMetrics, UNKNOWN_PEER } from '../../telemetry/index.ts';
import { ExchangeRig, GET, OK, post } from '../testing/exchange-rig.ts';
import { forward, RouteRig } from '../testing/route-rig.ts';
import { AccessLogs } from './index.ts';

function logTo(format: LogFormat, path = '/dev/stdout'): LogProvider {
  return { name: path, kind: 'file', path, format };
}

function text(format?: string): LogProvider {
  return logTo({ kind: 'text', ...(format !== undefined && { text: format }) });
}

function settingsOf(
  logs: readonly AccessLogSettings[] | undefined,
  more: Partial<TelemetrySettings> = {},
): TelemetrySettings {
  const direction = logs === undefined ? {} : { accessLogs: logs };
  return { inbound: direction, outbound: direction, ...more };
}

/** Lets the rig's requests be logged; the lines by file. */
function logged(
  rig: ExchangeRig,
  settings: TelemetrySettings,
): { lines: string[]; logs: AccessLogs; files: string[] } {
  const lines: string[] = [];
  const files: string[] = [];
  const { services } = rig;
  const logs = new AccessLogs({
    clock: rig.host.clock,
    log: rig.log,
    own: rig.access,
    observers: services.observers,
    metrics: new LogMetrics(),
    hostname: 'cart-1',
    self: () => UNKNOWN_PEER,
    environment: name => (name === 'NODE_NAME' ? 'node-1' : undefined),
    openFile: path => {
      files.push(path);
      return {
        write: line => void lines.push(line),
        end: async () => {},
        close: () => void files.push(`-${path}`),
      };
    },
  });
  logs.apply(settings);
  return { lines, logs, files };
}

async function ask(rig: ExchangeRig, request: string, answer: string = OK): Promise<void> {
  rig.client().peer.send(request);
  const upstream = await rig.upstream();
  await rig.advance(30);
  upstream.send(answer);
  await rig.settle();
}

test("Istio's default line, word for word", async () => {
  const rig = new ExchangeRig();
  const { lines } = logged(rig, settingsOf([{ provider: text() }]));
  await ask(
    rig,
    'GET /cart?id=7 HTTP/1.1\r\nhost: cart.shop\r\nuser-agent: curl/8\r\nx-request-id: r1\r\nx-forwarded-for: 10.9.9.9\r\n\r\n',
  );
  const start = new Date(rig.host.clock.now() - 30).toISOString();
  assert.deepEqual(lines, [
    `[${start}] "GET /cart?id=7 HTTP/1.1" 200 - via_upstream - "-" 0 2 30 30 "10.9.9.9" "curl/8" "r1" "cart.shop" "10.0.0.1:80" a:80 - - client-0 - default\n`,
  ]);
});

test("Istio's default JSON, with numbers as numbers", async () => {
  const rig = new ExchangeRig();
  const { lines } = logged(rig, settingsOf([{ provider: logTo({ kind: 'json' }) }]));
  await ask(rig, GET.replace('\r\n\r\n', '\r\nx-request-id: r1\r\n\r\n'));
  const line = JSON.parse(lines[0]!);
  assert.equal(Object.keys(line).length, 24);
  assert.deepEqual(Object.keys(line), Object.keys(line).sort());
  const { response_code, path, duration, upstream_service_time, response_flags, user_agent, bytes_sent } =
    line;
  assert.deepEqual(
    { response_code, path, duration, upstream_service_time, response_flags, user_agent, bytes_sent },
    {
      response_code: 200,
      path: '/a',
      duration: 30,
      upstream_service_time: '30',
      response_flags: '-',
      user_agent: null,
      bytes_sent: 2,
    },
  );
});

test('fields of answers are read where a format asks for them, and are of the request that the line is about', async () => {
  const rig = new ExchangeRig();
  const { lines } = logged(rig, settingsOf([{ provider: text('%RESPONSE_CODE% %RESP(X-A?X-B)%') }]));
  await rig.advance(1);
  const client = rig.client();
  client.peer.send(GET);
  const upstream = await rig.upstream();
  upstream.send('HTTP/1.1 200 OK\r\nx-b: one\r\ncontent-length: 2\r\n\r\nok');
  await rig.settle();
  client.peer.send(GET);
  await rig.settle();
  upstream.send(OK);
  await rig.settle();
  assert.deepEqual(lines, ['200 one\n', '200 -\n']);
});

test('a filter decides by what the client sent, redacted or not', async () => {
  const filter = "response.code >= 500 || request.headers['authorization'] == 'Bearer x'";
  const cases = [
    ['', OK, []],
    ['', 'HTTP/1.1 503 no\r\ncontent-length: 0\r\n\r\n', ['503 -\n']],
    ['authorization: Bearer x\r\n', OK, ['200 [redacted]\n']],
  ] as const;
  for (const [login, answer, expected] of cases) {
    const rig = new ExchangeRig({ retry: { attempts: 0 } });
    const format = '%RESPONSE_CODE% %REQ(AUTHORIZATION)%';
    const { lines } = logged(rig, settingsOf([{ provider: text(format), filter }]));
    await ask(rig, `GET /a HTTP/1.1\r\nhost: a\r\n${login}\r\n`, answer);
    assert.deepEqual(lines, expected);
  }
});

test('headers that hold secrets are redacted unless told otherwise, and query parameters where told', async () => {
  const request =
    'GET /a?token=s3cret&id=7&to%6ben=again&flag HTTP/1.1\r\nhost: a\r\ncookie: sid=1\r\nauthorization: Basic x\r\nreferer: http://b/?token=1\r\n\r\n';
  const format =
    '%REQ(:PATH)% %REQ_WITHOUT_QUERY(:PATH)% %REQ(COOKIE)% %REQ(AUTHORIZATION)% %REQ(REFERER)% %RESP(SET-COOKIE)%';
  const answer = 'HTTP/1.1 200 OK\r\nset-cookie: sid=2\r\ncontent-length: 0\r\n\r\n';
  const cases = [
    [
      undefined,
      '/a?token=s3cret&id=7&to%6ben=again&flag /a [redacted] [redacted] http://b/?token=1 [redacted]\n',
    ],
    [
      { headers: ['cookie'], query: ['token'] },
      '/a?token=[redacted]&id=7&to%6ben=[redacted]&flag /a [redacted] Basic x http://b/?token=[redacted] sid=2\n',
    ],
    [
      { headers: [], query: ['*'] },
      '/a?token=[redacted]&id=[redacted]&to%6ben=[redacted]&[redacted] /a sid=1 Basic x http://b/?token=[redacted] sid=2\n',
    ],
  ] as const;
  for (const [redaction, line] of cases) {
    const rig = new ExchangeRig();
    const { lines } = logged(rig, settingsOf([{ provider: text(format) }], redaction && { redaction }));
    await ask(rig, request, answer);
    assert.deepEqual(lines, [line]);
  }
});

test('what Weft answers itself has its flag and details; what fails says why', async () => {
  const format =
    '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% %RESPONSE_CODE_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"';
  const rig = new RouteRig([
    { matches: [{ path: { kind: 'exact', value: '/a' } }], retry: { ...DEFAULT_RETRY, attempts: 0 } },
    {
      matches: [{ path: { kind: 'exact', value: '/said' } }],
      action: { kind: 'respond', status: 418, body: '', contentType: '' },
    },
  ]);
  const { lines } = logged(rig, settingsOf([{ provider: text(format) }]));
  rig.client().peer.send(GET.replace('/a', '/none'));
  rig.client().peer.send(GET.replace('/a', '/said'));
  rig.client().peer.send(post('x'));
  await rig.settle();
  rig.host.dials[0]!.fail('UF', 'connection refused');
  await rig.settle();
  assert.deepEqual(lines, [
    '404 NR NoRouteFound route_not_found "-"\n',
    '418 - - direct_response "-"\n',
    '503 UF UpstreamConnectionFailure upstream_reset_before_response_started{connection_failure} "connection refused"\n',
  ]);
});

test('a rewritten path is the path, and the original is where Envoy has it', async () => {
  const rig = new RouteRig([{ action: forward(['a:80'], { path: { kind: 'full', value: '/new' } }) }]);
  const { lines } = logged(
    rig,
    settingsOf([{ provider: text('%REQ(:PATH)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%') }]),
  );
  await ask(rig, GET);
  assert.deepEqual(lines, ['/new /a\n']);
});

test('a status of gRPC stands where the content type of the request says gRPC, whatever its method, as Envoy has it', async () => {
  const answer = 'HTTP/1.1 200 OK\r\ngrpc-status: 5\r\ncontent-length: 2\r\n\r\nok';
  const typed = (request: string): string =>
    request.replace('\r\n\r\n', '\r\ncontent-type: application/grpc\r\n\r\n');
  for (const [request, status] of [
    [typed(GET), 'NotFound'],
    [typed('POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n'), 'NotFound'],
    [GET, '-'],
  ] as const) {
    const rig = new ExchangeRig();
    const { lines } = logged(rig, settingsOf([{ provider: text('%GRPC_STATUS%') }]));
    await ask(rig, request, answer);
    assert.deepEqual(lines, [`${status}\n`], request);
  }
});

test('what is no request at all has a line too', async () => {
  const rig = new ExchangeRig();
  const { lines } = logged(
    rig,
    settingsOf([
      { provider: text('%RESPONSE_CODE% %RESPONSE_FLAGS% %PROTOCOL% %CONNECTION_TERMINATION_DETAILS%') },
    ]),
  );
  rig.client().peer.send('GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n');
  await rig.settle();
  assert.match(lines[0]!, /^400 DPE - malformed:/);
});

test("the proxy's own log is silent where settings say what is logged, and speaks again when they are gone", async () => {
  const rig = new ExchangeRig();
  const { lines, logs, files } = logged(rig, settingsOf([]));
  assert.deepEqual(rig.access.silent, { inbound: true, outbound: true });
  assert.equal(rig.services.observers.watching, false);
  logs.apply(settingsOf([{ provider: text() }]));
  assert.equal(rig.services.observers.watching, true);
  logs.apply(settingsOf(undefined));
  assert.deepEqual(rig.access.silent, { inbound: false, outbound: false });
  assert.equal(rig.services.observers.watching, false);
  assert.deepEqual([lines, files], [[], ['/dev/stdout', '-/dev/stdout']]);
});

test('a file that stays is not opened again, and a format that cannot be used is named and stops no other', () => {
  const rig = new ExchangeRig();
  const good = { provider: text('a') };
  const { logs, files } = logged(rig, settingsOf([good]));
  logs.apply(settingsOf([good, { provider: logTo({ kind: 'text', text: '%NEWER%' }, '/tmp/x') }]));
  assert.deepEqual(files, ['/dev/stdout']);
  assert.match(JSON.stringify(rig.log.lines), /no operator is called %NEWER%.*restart this pod/);
});

test('bytes that are no text, and texts without end, make lines that can be read', async () => {
  const rig = new ExchangeRig();
  const { lines } = logged(rig, settingsOf([{ provider: text('%REQ(X-A)%|%REQ(X-B)%') }]));
  await ask(rig, `GET /a HTTP/1.1\r\nhost: a\r\nx-a: gr\u00c3\u00bcn\r\nx-b: ${'x'.repeat(20_000)}\r\n\r\n`);
  const [first, second] = lines[0]!.trimEnd().split('|');
  assert.equal(first, 'grün');
  assert.equal(second!.length, 8193);
});

test('of a whole URL, as clients of proxies name it, the path is told', async () => {
  for (const [target, path] of [
    ['http://a/b?c', '/b?c'],
    ['http://a?c', '/?c'],
    ['http://a', ''],
  ] as const) {
    const rig = new ExchangeRig();
    const { lines } = logged(rig, settingsOf([{ provider: text('%REQ(:PATH)%') }]));
    await ask(rig, `GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`);
    assert.deepEqual(lines, [`${path === '' ? '/' : path}\n`]);
  }
});

test('a connection that carried bytes has a line, with what is only of requests left open', async () => {
  const rig = new ExchangeRig();
  const format =
    '%PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %UPSTREAM_CLUSTER% %REQ(:PATH)% %ACCESS_LOG_TYPE% %STREAM_ID%';
  const { lines } = logged(
    rig,
    settingsOf([
      { provider: text(format) },
      { provider: text('never'), filter: 'response.code >= 200' },
      { provider: text('mtls'), filter: 'connection.mtls' },
    ]),
  );
  rig.services.observers.sessionEnd({
    direction: 'inbound',
    id: 's1',
    downstream: '10.0.0.7:1234',
    principal: 'spiffe://cluster.local/ns/shop/sa/cart',
    cluster: rig.cluster,
    endpoint: undefined,
    opened: true,
    attempts: 1,
    flag: 'UC',
    detail: '',
    startMs: 0,
    endMs: 1500,
    receivedBytes: 3,
    sentBytes: 4,
  });
  assert.deepEqual(lines, ['- 0 UC - 3 4 1500 a:80 - TcpConnectionEnd s1\n', 'mtls\n']);
});
