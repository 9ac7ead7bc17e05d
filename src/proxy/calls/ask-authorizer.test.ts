// External authorizers asked by real proxies: over HTTP, and over gRPC with grpc-js on their side.
import assert from 'node:assert/strict';
import type { IncomingMessage, RequestListener } from 'node:http';
import { type TestContext, test } from 'node:test';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';
import { TestIssuer } from '../../authentication/testing/issuer.ts';
import { MessageWriter, readMessage } from '../../ext-authz/protobuf.ts';
import type { ExternalAuthorizer, InboundResource, WorkloadAuthorization } from '../../model/index.ts';
import { type Answer, type Ask, ask, httpServer } from '../testing/clients.ts';
import { StaticMesh, type TestProxy } from '../testing/static-mesh.ts';

const from = {
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  namespace: 'shop',
  name: 'ask',
};
/** Every request below /ask is the authorizer's business. */
const custom: WorkloadAuthorization = {
  action: 'custom',
  provider: 'authz',
  rules: [{ name: '0', clauses: [[[{ of: 'path', values: [{ kind: 'prefix', value: '/ask' }] }]]] }],
  from,
};
const authz: ExternalAuthorizer = {
  name: 'authz',
  protocol: 'http',
  host: 'authz',
  port: 80,
  timeoutMs: 2000,
  failOpen: false,
  statusOnError: 403,
};

interface Place {
  readonly server: TestProxy;
  readonly mesh: StaticMesh;
  readonly seen: IncomingMessage[];
  readonly ask: (options?: Ask) => Promise<Answer>;
}

async function place(
  t: TestContext,
  authorizer: Partial<ExternalAuthorizer> | undefined,
  inbound: Partial<InboundResource> = {},
): Promise<Place> {
  const mesh = new StaticMesh();
  const seen: IncomingMessage[] = [];
  const app = await httpServer((request, response) => {
    seen.push(request);
    request.resume().on('end', () => response.end('fine'));
  });
  const server = mesh.proxy('server', {
    inbound: {
      authorization: [custom],
      ...(authorizer && { authorizers: [{ ...authz, ...authorizer }] }),
      ...inbound,
    },
  });
  const client = mesh.proxy('client');
  t.after(() => {
    mesh.close();
    app.close();
  });
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port)] });
  return {
    server,
    mesh,
    seen,
    ask: options => ask(client.plane.outboundPort, 'app:80', { path: '/ask', ...options }),
  };
}

/** An authorizer over HTTP; in the mesh, behind a proxy of its own, where `meshed`. */
async function authorizerAt(
  t: TestContext,
  { mesh }: Place,
  listener: RequestListener,
  meshed = false,
): Promise<void> {
  const server = await httpServer(listener);
  t.after(() => server.close());
  const endpoint = meshed ? mesh.meshed(mesh.proxy('authz'), server.port) : mesh.plain(server.port);
  mesh.set({ key: 'authz:80', endpoints: [endpoint] });
}

test('who is allowed gets through with what the authorizer says, asked through the mesh', async t => {
  const at = await place(t, {
    includeRequestHeaders: ['x-session'],
    headersToUpstream: ['x-user'],
    headersToDownstreamOnAllow: ['set-cookie'],
  });
  const asked: IncomingMessage[] = [];
  await authorizerAt(
    t,
    at,
    (request, response) => {
      asked.push(request);
      response
        .setHeader('x-user', 'alice')
        .setHeader('x-other', 'x')
        .setHeader('set-cookie', 'a=b')
        .end('ok');
    },
    true,
  );
  const answer = await at.ask({
    headers: { 'x-user': 'root', X_User: 'root', 'x-session': 's', 'x-private': 'p' },
    path: '/ask/../ask?x=1',
  });
  assert.deepEqual([answer.status, answer.headers['set-cookie']], [200, ['a=b']]);
  const [{ headers }] = at.seen as [IncomingMessage];
  assert.deepEqual([headers['x-user'], headers['x-other'], headers['x-private']], ['alice', undefined, 'p']);
  assert.equal(headers.x_user, undefined);
  const [question] = asked as [IncomingMessage];
  assert.deepEqual([question.method, question.url, question.headers.host], ['GET', '/ask?x=1', 'app:80']);
  assert.deepEqual([question.headers['x-session'], question.headers['x-private']], ['s', undefined]);
  assert.match(
    String(question.headers['x-forwarded-client-cert']),
    /sa\/server/,
    'over mutual TLS, as the workload that asks',
  );
  assert.equal((await at.ask({ path: '/other' })).status, 200);
  assert.equal(asked.length, 1, 'what is not its business it is not asked about');
});

test('who is denied gets the authorizer’s own answer, and the app hears nothing', async t => {
  const at = await place(t, {});
  await authorizerAt(t, at, (_, response) =>
    response.writeHead(302, { location: 'https://login', 'set-cookie': 's=1' }).end('log in'),
  );
  const answer = await at.ask();
  assert.deepEqual(
    [answer.status, answer.headers.location, answer.headers['set-cookie'], answer.body, at.seen.length],
    [302, 'https://login', ['s=1'], 'log in', 0],
  );
  assert.equal(at.server.access.records[0]!.detail, 'ext_authz_denied: authz answered 302');
});

const failures: readonly (readonly [what: string, listener: RequestListener | undefined, why: RegExp])[] = [
  ['answers 500', (_, response) => response.writeHead(500).end(), /its answer is 500/],
  ['is silent', () => {}, /no complete answer within 100 ms/],
  ['breaks off', request => request.socket.destroy(), /authz could not be asked/],
  ['talks without end', (_, response) => void response.end(Buffer.alloc(100_000)), /longer than 65536 bytes/],
  ['is nowhere', undefined, /authz could not be asked/],
];
for (const [what, listener, why] of failures) {
  test(`an authorizer that ${what} lets nobody in, unless it is to fail open`, async t => {
    const closed = await place(t, { timeoutMs: 100, statusOnError: 503 });
    if (listener !== undefined) await authorizerAt(t, closed, listener);
    assert.equal((await closed.ask()).status, 503);
    assert.match(closed.server.access.records[0]!.detail, why);
    assert.equal(closed.seen.length, 0);
    const open = await place(t, { timeoutMs: 100, failOpen: true });
    if (listener !== undefined) await authorizerAt(t, open, listener);
    assert.equal((await open.ask()).status, 200);
  });
}

test('an authorizer that nobody has named lets nobody in', async t => {
  const at = await place(t, undefined);
  assert.equal((await at.ask()).status, 403);
  assert.match(at.server.access.records[0]!.detail, /no external authorizer is called authz/);
  assert.equal((await at.ask({ path: '/other' })).status, 200);
});

test('the body is told as far as is asked for, and the app gets all of it', async t => {
  const bodies: string[] = [];
  const listener: RequestListener = (request, response) => {
    let body = '';
    request
      .on('data', (piece: Buffer) => (body += piece))
      .on('end', () => {
        bodies.push(body);
        response.end();
      });
  };
  const whole = await place(t, { body: { maxBytes: 10, allowPartial: false, asBytes: false } });
  await authorizerAt(t, whole, listener);
  assert.equal((await whole.ask({ method: 'POST', body: 'hello' })).status, 200);
  assert.equal((await whole.ask({ method: 'POST', body: 'x'.repeat(11) })).status, 413);
  assert.equal((await whole.ask()).status, 200);
  const part = await place(t, { body: { maxBytes: 4, allowPartial: true, asBytes: false } });
  await authorizerAt(t, part, listener);
  assert.equal((await part.ask({ method: 'POST', body: 'x'.repeat(300_000) })).status, 200);
  assert.deepEqual(bodies, ['hello', '', 'xxxx']);
});

test('a token that the authorizer puts into the request is the one that is verified', async t => {
  const issuer = new TestIssuer();
  const tokenRules = [
    { issuer: issuer.issuer, jwks: issuer.jwks, outputClaimToHeaders: [{ header: 'x-sub', claim: 'sub' }] },
  ];
  const at = await place(t, { headersToUpstream: ['authorization'] }, { tokenRules });
  await authorizerAt(t, at, (_, response) =>
    response.setHeader('authorization', `Bearer ${issuer.token()}`).end(),
  );
  assert.equal(
    (await at.ask({ headers: { authorization: 'Bearer x.y.z', cookie: 'session=1' } })).status,
    200,
  );
  assert.deepEqual([at.seen[0]!.headers['x-sub'], at.seen[0]!.headers.authorization], ['alice', undefined]);
});

const service: ServiceDefinition = {
  check: {
    path: '/envoy.service.auth.v3.Authorization/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: (value: Buffer) => value,
    requestDeserialize: (value: Buffer) => value,
    responseSerialize: (value: Buffer) => value,
    responseDeserialize: (value: Buffer) => value,
  },
};

test('over gRPC: allowed with edits, denied with words, and a status that is no verdict', async t => {
  const at = await place(t, { protocol: 'grpc' });
  const questions: string[] = [];
  const option = (name: string, value: string): MessageWriter =>
    new MessageWriter().message(1, new MessageWriter().text(1, name).text(2, value));
  const allowed = new MessageWriter().message(
    3,
    new MessageWriter().message(2, option('x-user', 'alice')).text(5, 'x-private'),
  );
  const denied = new MessageWriter()
    .message(1, new MessageWriter().number(1, 7))
    .message(2, new MessageWriter().message(1, new MessageWriter().number(1, 401)).text(3, 'who?'));
  const check = (call: { request: Buffer }, done: (error: object | null, value?: Buffer) => void): void => {
    readMessage(call.request, (_, attributes) => questions.push((attributes as Buffer).toString('latin1')));
    const last = questions.at(-1)!;
    if (last.includes('/ask/broken')) done({ code: 13, details: 'no database' });
    else done(null, (last.includes('/ask/deny') ? denied : allowed).finish());
  };
  const grpc = new Server();
  grpc.addService(service, { check: check as unknown as UntypedHandleCall });
  const port = await new Promise<number>((resolve, reject) =>
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  t.after(() => grpc.forceShutdown());
  at.mesh.set({ key: 'authz:80', endpoints: [at.mesh.plain(port)], protocol: 'grpc' });
  assert.equal((await at.ask({ headers: { 'x-private': 'p' } })).status, 200);
  const [{ headers }] = at.seen as [IncomingMessage];
  assert.deepEqual([headers['x-user'], headers['x-private']], ['alice', undefined]);
  const refused = await at.ask({ path: '/ask/deny' });
  assert.deepEqual([refused.status, refused.body], [401, 'who?']);
  assert.equal((await at.ask({ path: '/ask/broken' })).status, 403);
  assert.match(at.server.access.records.at(-1)!.detail, /gRPC status 13 \(no database\)/);
  assert.match(questions[0]!, /spiffe:\/\/cluster\.local\/ns\/default\/sa\/client/);
  assert.equal(at.seen.length, 1);
});
