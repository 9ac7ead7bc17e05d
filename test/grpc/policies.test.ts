// What policies say of gRPC, from YAML to the answers that clients of grpc-js get through a proxy: routes, faults, headers,
// weights, mirrors, retries.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { closeAll } from '../../src/proxy/testing/clients.ts';
import { eventually } from '../../src/proxy/testing/redirected.ts';
import { StaticMesh } from '../../src/proxy/testing/static-mesh.ts';
import { resolveDestination } from '../../src/resolve/index.ts';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';

const same = (bytes: Buffer): Buffer => bytes;
const names = ['web', 'v1', 'v2'];
const services = names
  .map(
    (name, index) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {clusterIP: 10.96.0.${index + 1}, ports: [{port: 80, name: grpc}]}
---
`,
  )
  .join('');

/** What a call was answered: who did, or the status. */
interface Answer {
  readonly from: string;
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** A server that says its name, or fails as the call's header `fail` asks: `2:14` its first two calls with status 14. */
class NamedServer {
  readonly seen: Metadata[] = [];
  readonly #name: string;
  readonly #server = new Server();
  port = 0;

  constructor(name: string) {
    this.#name = name;
    const call = (path: string) => ({
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    });
    const methods = [
      'shop.Cart/Add',
      'shop.Cart/Remove',
      'shop.Stock/Add',
      'shop.Price/Ask',
      'grpc.reflection.v1.ServerReflection/Info',
    ];
    for (const method of methods) {
      const [service, name_] = method.split('/') as [string, string];
      void service;
      this.#server.addService(
        { [`${method.replaceAll(/\W/g, '')}`]: call(`/${method}`) },
        {
          [`${method.replaceAll(/\W/g, '')}`]: (
            { metadata }: ServerUnaryCall<Buffer, Buffer>,
            answer: sendUnaryData<Buffer>,
          ) => this.#answer(metadata, name_, answer),
        },
      );
    }
  }

  async listen(): Promise<void> {
    this.port = await new Promise((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #answer(metadata: Metadata, method: string, answer: sendUnaryData<Buffer>): void {
    this.seen.push(metadata);
    const [times = 0, code = 0] = String(metadata.get('fail')[0] ?? '')
      .split(':')
      .map(Number);
    if (this.seen.length <= times) answer({ code, details: 'as asked' } as ServiceError);
    else answer(null, Buffer.from(`${this.#name} ${method}`));
  }
}

/** Three servers, one proxy with what the YAML says, one client. */
async function setUp(yaml: string) {
  const servers = Object.fromEntries(names.map(name => [name, new NamedServer(name)]));
  await Promise.all(names.map(name => servers[name]!.listen()));
  const { mesh, problems } = meshFromYaml(services + yaml);
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  );
  const played = new StaticMesh();
  const { plane, access } = played.proxy('client');
  const key = 'web.shop.svc.cluster.local:80';
  const { resource } = resolveDestination(mesh, { namespace: 'shop', labels: {} }, key);
  const endpoints = resource.clusters.map(({ name, service }) => ({
    kind: 'endpoints' as const,
    key: name,
    endpoints: [played.plain(servers[service.name]!.port)],
    total: 1,
  }));
  played.resources.set(key, [resource, ...endpoints]);
  const client = new Client(`127.0.0.1:${plane.outboundPort}`, credentials.createInsecure(), {
    'grpc.default_authority': key,
  });
  after(() => {
    client.close();
    closeAll(played);
    for (const name of names) servers[name]!.close();
  });
  const call = (method: string, headers: Record<string, string> = {}, deadlineMs = 5000): Promise<Answer> =>
    new Promise(resolve => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      let first = new Metadata();
      const options = { deadline: Date.now() + deadlineMs };
      client
        .makeUnaryRequest(`/${method}`, same, same, Buffer.from('hi'), metadata, options, (error, body) =>
          resolve({
            from: body?.toString() ?? '',
            code: error?.code ?? 0,
            details: error?.details ?? '',
            metadata: error?.metadata ?? first,
          }),
        )
        .on('metadata', each => {
          first = each;
        });
    });
  return { call, servers, access, plane };
}

const grpcRoute = (rules: string) => `
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: web, namespace: shop}
spec: {parentRefs: [{group: "", kind: Service, name: web}], rules: [${rules}]}
---
`;
const virtualService = (rules: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [${rules}]}
---
`;

test('GRPCRoute: service, method and headers choose the backend, by value and by regular expression; the rest is UNIMPLEMENTED', async () => {
  const { call } = await setUp(
    grpcRoute(
      [
        '{matches: [{method: {service: shop.Cart, method: Add}}], backendRefs: [{name: v1, port: 80}]}',
        '{matches: [{method: {service: shop.Cart}, headers: [{name: x-to, value: two}]}], backendRefs: [{name: v2, port: 80}]}',
        '{matches: [{method: {type: RegularExpression, service: "shop[.]St.*", method: "A.d"}}], backendRefs: [{name: v2, port: 80}]}',
        '{matches: [{headers: [{type: RegularExpression, name: x-to, value: "o.e"}]}], backendRefs: [{name: v1, port: 80}]}',
      ].join(', '),
    ),
  );
  assert.equal((await call('shop.Cart/Add')).from, 'v1 Add');
  assert.equal((await call('shop.Cart/Remove', { 'x-to': 'two' })).from, 'v2 Remove');
  assert.equal((await call('shop.Stock/Add')).from, 'v2 Add');
  assert.equal((await call('shop.Cart/Remove', { 'x-to': 'one' })).from, 'v1 Remove');
  const none = await call('shop.Cart/Remove');
  assert.equal(none.code, 12);
  assert.match(none.details, /^weft: .*\(NR\)$/);
  assert.equal(none.metadata.get('x-weft-flag')[0], 'NR');
});

test('GRPCRoute: headers of requests and answers, weights and mirrors', async () => {
  const { call, servers } = await setUp(
    grpcRoute(`{
      filters: [
        {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-set, value: a}], remove: [x-gone]}},
        {type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: x-added, value: b}]}},
        {type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}}}],
      backendRefs: [{name: v1, port: 80, weight: 1}, {name: v2, port: 80, weight: 1}]}`),
  );
  for (let i = 0; i < 20; i++) {
    const { code, metadata } = await call('shop.Cart/Add', { 'x-gone': '1' });
    assert.equal(code, 0);
    assert.deepEqual(metadata.get('x-added'), ['b']);
  }
  const { v1, v2, web } = servers as Record<string, NamedServer>;
  assert.ok(v1!.seen.length > 0 && v2!.seen.length > 0, `${v1!.seen.length} and ${v2!.seen.length}`);
  assert.equal(v1!.seen.length + v2!.seen.length, 20);
  for (const each of v1!.seen) assert.deepEqual([each.get('x-set'), each.get('x-gone')], [['a'], []]);
  await eventually(() => web!.seen.length === 20);
});

test('VirtualService: rules by method, retries on a status, faults by status, and what nobody asked for left alone', async () => {
  const { call, servers, access } = await setUp(
    virtualService(
      [
        '{match: [{uri: {exact: /shop.Cart/Add}}], retries: {attempts: 3, retryOn: unavailable, backoff: 1ms}, route: [{destination: {host: v1}}]}',
        '{match: [{uri: {prefix: /shop.Cart/}}], fault: {abort: {grpcStatus: RESOURCE_EXHAUSTED, percentage: {value: 100}}}, route: [{destination: {host: v1}}]}',
        '{match: [{uri: {exact: /shop.Stock/Add}}], fault: {abort: {http2Error: REFUSED_STREAM, percentage: {value: 100}}}, route: [{destination: {host: v1}}]}',
        '{match: [{uri: {exact: /shop.Price/Ask}}], retries: {attempts: 2, backoff: 1ms}, route: [{destination: {host: v2}}]}',
        '{timeout: 300ms, route: [{destination: {host: v2}}]}',
      ].join(', '),
    ),
  );
  const retried = await call('shop.Cart/Add', { fail: '2:14' });
  assert.equal(retried.from, 'v1 Add');
  assert.deepEqual(
    servers.v1!.seen.map(each => each.get('grpc-previous-rpc-attempts')[0]),
    [undefined, '1', '2'],
  );
  const asIstio = await call('shop.Price/Ask', { fail: '1:14' });
  assert.equal(asIstio.from, 'v2 Ask', 'attempts without a word on when: as Istio has it');
  const fault = await call('shop.Cart/Remove');
  assert.equal(fault.code, 8);
  assert.match(fault.details, /gRPC status 8 .*\(FI\)$/);
  const reset = await call('shop.Stock/Add', {}, 1000);
  assert.notEqual(reset.code, 0);
  assert.equal((await call('grpc.reflection.v1.ServerReflection/Info')).from, 'v2 Info');
  const unknown = await call('shop.Nobody/Knows');
  assert.equal(unknown.code, 12);
  await eventually(() => access.records.length >= 5);
  assert.equal(
    access.records.every(({ protocol }) => protocol === 'HTTP/2'),
    true,
  );
});
