// CUSTOM policies and connections that are not read: an authorizer of grpc-js is asked by real proxies, before any byte goes on.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';
import { MessageWriter, readMessage } from '../../src/ext-authz/protobuf.ts';
import type { ExternalAuthorizer } from '../../src/model/index.ts';
import { closeAll, rawConnection, tcpServer } from '../../src/proxy/testing/clients.ts';
import { redirectedInbound } from '../../src/proxy/testing/redirected.ts';
import { AuthorizationRig } from './rig.ts';

const authz: ExternalAuthorizer = {
  name: 'authz',
  protocol: 'grpc',
  host: 'authz',
  port: 80,
  timeoutMs: 30_000,
  failOpen: false,
  statusOnError: 403,
};
const bytes = (value: Buffer): Buffer => value;
const service: ServiceDefinition = {
  check: {
    path: '/envoy.service.auth.v3.Authorization/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
};

interface Place {
  readonly rig: AuthorizationRig;
  /** What the authorizer was asked, as latin1. */
  readonly asked: string[];
  /** Decides; by what it was asked. */
  allows: (question: string) => boolean;
  readonly use: (authorizers: readonly ExternalAuthorizer[]) => void;
}

const ask = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ask, namespace: shop }
spec: { action: CUSTOM, provider: { name: authz }, rules: [{ to: [{ operation: { methods: [GET] } }] }] }
`;

/** A workload whose every connection is the authorizer's business: what only requests have is not asked of bytes. */
async function place(t: TestContext, policies = ask): Promise<Place> {
  const rig = await AuthorizationRig.start();
  const asked: string[] = [];
  const at: Place = {
    rig,
    asked,
    allows: () => true,
    use: authorizers => {
      const resource = rig.server.plane.inboundPorts.resource!;
      assert.equal(rig.server.plane.apply({ ...resource, authorizers }), undefined);
    },
  };
  const check = (call: { request: Buffer }, done: (error: null, value: Buffer) => void): void => {
    readMessage(call.request, (_, attributes) => asked.push((attributes as Buffer).toString('latin1')));
    const status = new MessageWriter().number(1, at.allows(asked.at(-1)!) ? 0 : 7);
    done(null, new MessageWriter().message(1, status).finish());
  };
  const grpc = new Server();
  grpc.addService(service, { check: check as unknown as UntypedHandleCall });
  const port = await new Promise<number>((resolve, reject) =>
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  t.after(() => {
    rig.close();
    grpc.forceShutdown();
  });
  rig.mesh.set({ key: 'authz:80', endpoints: [rig.mesh.plain(port)], protocol: 'grpc' });
  rig.obey(rig.policies(policies, undefined, undefined, true));
  at.use([authz]);
  return at;
}

const details = ({ rig }: Place): string => rig.server.access.records.at(-1)!.detail;

test('who is allowed may send bytes, who is not hears nothing, and the authorizer learns who calls which port', async t => {
  const at = await place(t);
  at.allows = question => question.includes('/sa/web');
  assert.equal(await at.rig.speak('shop/web'), true);
  assert.equal(await at.rig.speak('shop/other'), false);
  assert.match(details(at), /^ext_authz_denied: the external authorizer authz refuses it/);
  assert.equal(await at.rig.speak(undefined), false, 'in plaintext it is nobody');
  assert.equal(at.asked.length, 3);
  assert.match(at.asked[0]!, /spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web/);
  assert.match(at.asked[0]!, /127\.0\.0\.1/);
  for (const question of at.asked) assert.doesNotMatch(question, /HTTP|GET/);
});

test('an authorizer that cannot be asked lets nobody in, unless failOpen says so', async t => {
  const at = await place(t);
  at.use([{ ...authz, port: 81 }]);
  assert.equal(await at.rig.speak('shop/web'), false);
  assert.match(details(at), /^ext_authz_error: the external authorizer authz could not be asked/);
  at.use([{ ...authz, port: 81, failOpen: true }]);
  assert.equal(await at.rig.speak('shop/web'), true);
  assert.deepEqual(at.asked, []);
});

test('an authorizer over HTTP has no words for bytes, and one that nobody knows none at all', async t => {
  const at = await place(t);
  at.use([{ ...authz, protocol: 'http', failOpen: true }]);
  assert.equal(await at.rig.speak('shop/web'), false);
  assert.match(details(at), /asked over HTTP, which has no words for bytes/);
  at.use([]);
  assert.equal(await at.rig.speak('shop/web'), false);
  assert.match(details(at), /no external authorizer is called authz/);
  assert.deepEqual(at.asked, []);
});

test('what other policies refuse it is not asked about, nor what is none of its business', async t => {
  const deny = `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: no-other, namespace: shop }
spec: { action: DENY, rules: [{ from: [{ source: { serviceAccounts: [other] } }] }] }
`;
  const at = await place(
    t,
    ask.replace('{ operation: { methods: [GET] } }', '{ operation: { ports: ["1"] } }') + deny,
  );
  assert.equal(await at.rig.speak('shop/other'), false);
  assert.equal(await at.rig.speak('shop/web'), true);
  assert.deepEqual(at.asked, []);
});

test('nothing of a server that speaks first is heard before the authorizer has allowed it', async t => {
  const at = await place(t);
  const greeter = await tcpServer(socket => socket.write('220 hello'));
  const to = redirectedInbound(at.rig.server.plane, greeter.port);
  t.after(() => closeAll(to, greeter));
  const raw = await rawConnection(to.port);
  await raw.until(({ text, closed }) => text === '220 hello' || closed);
  assert.equal(raw.text, '220 hello');
  assert.equal(at.asked.length, 1);
  raw.socket.destroy();
  at.allows = () => false;
  const refused = await rawConnection(to.port);
  while (at.asked.length < 2) await new Promise(resolve => setImmediate(resolve));
  refused.write('EHLO example\r\n');
  await refused.until(({ closed, ended }) => closed || ended);
  assert.equal(refused.text, '');
  refused.socket.destroy();
});

test('who is under way when policies change is asked about again, and cut off where it may not go on', async t => {
  const at = await place(t);
  const raw = await rawConnection(at.rig.client('shop/web').plane.outboundPort);
  raw.write('CONNECT bytes:1 HTTP/1.1\r\nhost: bytes:1\r\n\r\n');
  await raw.until(({ text, closed }) => text.includes('\r\n\r\n') || closed);
  raw.text = '';
  raw.write('echo');
  await raw.until(({ text, closed }) => text === 'echo' || closed);
  assert.equal(raw.text, 'echo');
  at.allows = () => false;
  at.use([authz]);
  await raw.until(({ closed, ended }) => closed || ended);
  assert.equal(at.asked.length, 2);
  raw.socket.destroy();
});
