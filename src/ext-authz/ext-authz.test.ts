// What authorizers are told and what their answers mean. The bytes of gRPC are read by protobufjs, by Envoy's definitions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import type { ExternalAuthorizer } from '../model/index.ts';
import { type Check, checkRequest, HttpCheck, type Question, readCheckResponse } from './index.ts';

/** As it is written, its empty line left out. */
function linesOf({ method, target, fields }: Check): readonly string[] {
  return [`${method} ${target} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`)];
}

const question: Question = {
  method: 'POST',
  target: '/admin?x=1',
  authority: 'cart.shop',
  fields: [
    ['authorization', 'Bearer t'],
    ['x-a', '1'],
    ['x-a', '2'],
    ['x-secret', 's'],
    ['transfer-encoding', 'chunked'],
    ['x-bytes', '\xff'],
  ],
  body: undefined,
  isPartial: false,
  scheme: 'http' as const,
  protocol: 'HTTP/1.1',
  source: { address: '10.0.0.7', port: 4711, principal: 'spiffe://cluster.local/ns/shop/sa/web' },
  destination: { address: '10.0.0.8', port: 8080, principal: 'spiffe://cluster.local/ns/shop/sa/cart' },
  atMs: 1_767_225_600_250,
  id: 'id-1',
};

const authorizer: ExternalAuthorizer = {
  name: 'authz',
  protocol: 'http',
  host: 'authz.auth',
  port: 8000,
  timeoutMs: 1000,
  failOpen: false,
  statusOnError: 403,
};

test('over HTTP an authorizer is told method, path, Host, authorization, and the headers that are named', () => {
  const check = new HttpCheck({
    ...authorizer,
    pathPrefix: '/check',
    includeRequestHeaders: ['x-*', 'transfer-encoding'],
    addRequestHeaders: [['x-secret', 'ours']],
  });
  assert.deepEqual(linesOf(check.ask(question)), [
    'POST /check/admin?x=1 HTTP/1.1',
    'host: cart.shop',
    'authorization: Bearer t',
    'x-a: 1',
    'x-a: 2',
    'x-bytes: \xff',
    'x-secret: ours',
    'content-length: 0',
  ]);
  const plain = new HttpCheck(authorizer).ask({ ...question, body: Buffer.from('hello') });
  assert.deepEqual(linesOf(plain), [
    'POST /admin?x=1 HTTP/1.1',
    'host: cart.shop',
    'authorization: Bearer t',
    'content-length: 5',
  ]);
});

test('200 allows and may set what is named, 5xx is no verdict, anything else denies with what is named', () => {
  const check = new HttpCheck({
    ...authorizer,
    headersToUpstream: ['x-user', '*'],
    headersToDownstreamOnAllow: ['set-cookie'],
    headersToDownstreamOnDeny: ['location'],
  });
  const answer = [
    ['x-user', 'alice'],
    ['set-cookie', 'a=b'],
    ['location', '/login'],
    ['content-length', '2'],
    ['host', 'evil'],
    ['connection', 'close'],
    ['x-forwarded-client-cert', 'By=evil'],
    ['x-weft-untouched', 'true'],
    ['x-weft-translated', '1'],
  ] as const;
  assert.deepEqual(check.read(200, answer, 'ok'), {
    kind: 'allowed',
    set: [
      ['x-user', 'alice'],
      ['set-cookie', 'a=b'],
      ['location', '/login'],
    ],
    append: [],
    remove: [],
    toClient: [['set-cookie', 'a=b']],
  });
  assert.deepEqual(check.read(302, answer, 'no'), {
    kind: 'denied',
    status: 302,
    fields: [['location', '/login']],
    body: 'no',
  });
  assert.equal(check.read(201, answer, '').kind, 'denied');
  assert.deepEqual(check.read(503, answer, ''), { kind: 'failed', why: 'its answer is 503' });
  const silent = new HttpCheck(authorizer);
  const allowed = silent.read(200, answer, '');
  assert.ok(allowed.kind === 'allowed' && allowed.set.length === 0, 'nothing is set that is not named');
  const denied = silent.read(401, answer, '');
  assert.ok(
    denied.kind === 'denied' && denied.fields.length === 3,
    'without a list the client gets all that may be set',
  );
});

const root = protobuf.parse(
  `
  syntax = "proto3";
  message Timestamp { int64 seconds = 1; int32 nanos = 2; }
  message SocketAddress { int32 protocol = 1; string address = 2; uint32 port_value = 3; }
  message Address { SocketAddress socket_address = 1; }
  message Peer { Address address = 1; string service = 2; map<string, string> labels = 3; string principal = 4; }
  message HttpRequest {
    string id = 1; string method = 2; map<string, string> headers = 3; string path = 4; string host = 5; string scheme = 6;
    string query = 7; string fragment = 8; int64 size = 9; string protocol = 10; string body = 11; bytes raw_body = 12;
  }
  message Request { Timestamp time = 1; HttpRequest http = 2; }
  message AttributeContext { Peer source = 1; Peer destination = 2; Request request = 4; }
  message CheckRequest { AttributeContext attributes = 1; }
  message Status { int32 code = 1; string message = 2; }
  message HeaderValue { string key = 1; string value = 2; bytes raw_value = 3; }
  message BoolValue { bool value = 1; }
  message HeaderValueOption { HeaderValue header = 1; BoolValue append = 2; int32 append_action = 3; }
  message HttpStatus { int32 code = 1; }
  message DeniedHttpResponse { HttpStatus status = 1; repeated HeaderValueOption headers = 2; string body = 3; }
  message OkHttpResponse {
    repeated HeaderValueOption headers = 2; repeated string headers_to_remove = 5; repeated HeaderValueOption response_headers_to_add = 6;
  }
  message CheckResponse { Status status = 1; DeniedHttpResponse denied_response = 2; OkHttpResponse ok_response = 3; }
`,
  { keepCase: true },
).root;

const response = (value: object): Buffer => {
  const type = root.lookupType('CheckResponse');
  return Buffer.from(type.encode(type.fromObject(value)).finish());
};

test('over gRPC an authorizer is told what Envoy tells', () => {
  const type = root.lookupType('CheckRequest');
  const read = (asBytes: boolean): Record<string, never> => {
    const message = checkRequest(
      { ...question, body: Buffer.from('h\xffi', 'latin1'), isPartial: true },
      asBytes,
    );
    return type.toObject(type.decode(message), { longs: Number, bytes: String }) as Record<string, never>;
  };
  assert.deepEqual(read(true), {
    attributes: {
      source: {
        address: { socket_address: { address: '10.0.0.7', port_value: 4711 } },
        principal: 'spiffe://cluster.local/ns/shop/sa/web',
      },
      destination: {
        address: { socket_address: { address: '10.0.0.8', port_value: 8080 } },
        principal: 'spiffe://cluster.local/ns/shop/sa/cart',
      },
      request: {
        time: { seconds: 1_767_225_600, nanos: 250_000_000 },
        http: {
          id: 'id-1',
          method: 'POST',
          headers: {
            authorization: 'Bearer t',
            'x-a': '1,2',
            'x-secret': 's',
            'transfer-encoding': 'chunked',
            'x-bytes': '!',
            ':method': 'POST',
            ':path': '/admin?x=1',
            ':authority': 'cart.shop',
            ':scheme': 'http',
            'x-envoy-auth-partial-body': 'true',
          },
          path: '/admin?x=1',
          host: 'cart.shop',
          scheme: 'http',
          size: 3,
          protocol: 'HTTP/1.1',
          raw_body: Buffer.from('h\xffi', 'latin1').toString('base64'),
        },
      },
    },
  });
  const { attributes } = read(false) as unknown as { attributes: { request: { http: { body: string } } } };
  assert.equal(attributes.request.http.body, 'h!i');
});

test('a CheckResponse allows with edits, denies in its own words, or means nothing', () => {
  const allowed = response({
    status: { code: 0 },
    ok_response: {
      headers: [
        { header: { key: 'X-User', value: 'alice' } },
        { header: { key: 'x-more', value: 'b' }, append: { value: true } },
        { header: { key: 'x-raw', raw_value: Buffer.from('r') } },
        { header: { key: 'host', value: 'evil' } },
        { header: { key: 'x-lines', value: 'a\r\nb: c' } },
        { header: { key: 'a b', value: 'x' } },
      ],
      headers_to_remove: ['Authorization', 'host'],
      response_headers_to_add: [{ header: { key: 'set-cookie', value: 'a=b' } }],
    },
  });
  assert.deepEqual(readCheckResponse(allowed), {
    kind: 'allowed',
    set: [
      ['x-user', 'alice'],
      ['x-raw', 'r'],
    ],
    append: [['x-more', 'b']],
    remove: ['authorization'],
    toClient: [['set-cookie', 'a=b']],
  });
  const denied = response({
    status: { code: 7 },
    denied_response: {
      status: { code: 401 },
      headers: [{ header: { key: 'www-authenticate', value: 'Basic' } }],
      body: 'who?',
    },
  });
  assert.deepEqual(readCheckResponse(denied), {
    kind: 'denied',
    status: 401,
    fields: [['www-authenticate', 'Basic']],
    body: 'who?',
  });
  assert.deepEqual(readCheckResponse(response({ status: { code: 16 } })), {
    kind: 'denied',
    status: 403,
    fields: [],
    body: '',
  });
  assert.equal(
    readCheckResponse(Buffer.alloc(0)).kind,
    'allowed',
    'an empty message is the status OK, as in Envoy',
  );
  for (const bytes of [[0x0a, 5, 1], [0xff, 0xff], [0x0b], [0], [0x12, 2, 0x0a, 9]])
    assert.equal(readCheckResponse(Buffer.from(bytes)).kind, 'failed', bytes.join(' '));
});

test('no bytes of an answer make reading it throw', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  const good = response({ status: { code: 7 }, denied_response: { status: { code: 401 }, body: 'x' } });
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(good);
    for (let j = 0; j < 3; j++) bytes[random(bytes.length)] = random(256);
    readCheckResponse(bytes.subarray(0, random(bytes.length + 1)));
  }
});
