// Sessions of TLS that are resumed: at another replica, over generations, and where they are not to be.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect, type SecureVersion } from 'node:tls';
import { httpServer } from '../testing/clients.ts';
import {
  authority,
  certificateFor,
  GatewayRig,
  gateway,
  route,
  secret,
  service,
} from './testing/gateway-rig.ts';

const names = ['www.example.com', 'other.example.com'];
const certificate = certificateFor(names);

function listener(name: string, options = ''): string {
  const tls = `certificateRefs: [{ name: tls }], options: { ${options} }`;
  return `{ name: ${name}, port: 443, protocol: HTTPS, hostname: ${name}.example.com, tls: { ${tls} } }`;
}

/** Replicas of one gateway. */
async function replicas(
  context: TestContext,
  { listeners = listener('www'), more = '', objects = '', count = 2 } = {},
): Promise<readonly GatewayRig[]> {
  const app = await httpServer((_, response) => response.end('app'));
  const yaml = [
    gateway(listeners, '{}', more),
    secret('tls', certificate),
    service('app', app.port),
    route('all', 'app'),
    objects,
  ].join('');
  const rigs = Array.from({ length: count }, () => new GatewayRig(yaml));
  context.after(() => {
    for (const each of rigs) each.close();
    app.close();
  });
  for (const each of rigs) each.seal('now', 'before', 'next');
  for (const each of rigs)
    while (each.plane.gateway!.notReady() !== undefined || each.port(443) === 0)
      await new Promise(setImmediate);
  return rigs;
}

interface Visit {
  readonly reused: boolean;
  readonly session: Buffer | undefined;
}

/** One request; `session`: of a visit before. */
async function visit(
  rig: GatewayRig,
  {
    session,
    name = names[0]!,
    version,
  }: { session?: Buffer | undefined; name?: string; version?: SecureVersion } = {},
): Promise<Visit> {
  const socket = connect({
    ...{ port: rig.port(443), host: '127.0.0.1', servername: name, rejectUnauthorized: false },
    ...(session && { session }),
    ...(version && { minVersion: version, maxVersion: version }),
  });
  let kept: Buffer | undefined;
  socket.on('session', each => {
    kept = each;
  });
  await once(socket, 'secureConnect');
  const reused = socket.isSessionReused();
  socket.write(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
  const answer = Buffer.concat(await socket.toArray()).toString();
  assert.match(answer, /^HTTP\/1.1 200 /);
  return { reused, session: kept };
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: a session is resumed at another replica, for two generations and no longer`, async context => {
    const [one, two] = await replicas(context);
    const first = await visit(one!, { version });
    assert.deepEqual([first.reused, first.session === undefined], [false, false]);
    const { session } = first;
    assert.equal((await visit(two!, { session, version })).reused, true);
    two!.seal('next', 'now', 'later');
    assert.equal((await visit(two!, { session, version })).reused, true, 'of the generation before');
    two!.seal('later', 'next', 'latest');
    assert.equal((await visit(two!, { session, version })).reused, false, 'its generation is gone');
  });
}

test('a replica whose clock is ahead has begun the next generation; the others can read its tickets', async context => {
  const [one, two] = await replicas(context);
  one!.seal('next', 'now', 'later');
  const { session } = await visit(one!);
  assert.equal((await visit(two!, { session })).reused, true);
});

for (const secrets of ['shared', 'own'] as const) {
  test(`a session that is resumed brings a new ticket: each is used once, and all visits but the first resume (secrets: ${secrets})`, async context => {
    const [one] = await replicas(context, { count: 1 });
    if (secrets === 'own') one!.seal();
    let { session } = await visit(one!);
    const seen = new Set<string>();
    for (let visits = 0; visits < 4; visits++) {
      assert.ok(session !== undefined && !seen.has(session.toString('base64')), 'the ticket is a new one');
      seen.add(session.toString('base64'));
      const next = await visit(one!, { session });
      assert.equal(next.reused, true, `visit ${visits}`);
      ({ session } = next);
    }
  });
}

test('a session of one listener is not resumed at another one', async context => {
  const [one] = await replicas(context, { listeners: `${listener('www')}, ${listener('other')}`, count: 1 });
  const { session } = await visit(one!);
  assert.equal((await visit(one!, { session })).reused, true);
  assert.equal((await visit(one!, { session, name: names[1]! })).reused, false);
});

test('a session from before certificates of clients were demanded is not resumed', async context => {
  const [one] = await replicas(context, { count: 1 });
  const { session } = await visit(one!);
  const clients = `tls: { frontend: { default: { validation: { mode: AllowInsecureFallback, caCertificateRefs: [{ kind: ConfigMap, group: "", name: clients }] } } } },`;
  const ca = `---
apiVersion: v1
kind: ConfigMap
metadata: { name: clients, namespace: shop }
data: { ca.crt: ${JSON.stringify(authority().pem)} }
`;
  const [after] = await replicas(context, { more: clients, objects: ca, count: 1 });
  const again = await visit(after!, { session });
  assert.equal(again.reused, false);
  assert.equal((await visit(after!, { session: again.session })).reused, false, 'and none of its own is');
});

test('off by an option of the listener', async context => {
  const [one, two] = await replicas(context, {
    listeners: listener('www', 'weft.dev/session-tickets: "off"'),
  });
  const { session } = await visit(one!, { version: 'TLSv1.3' });
  assert.equal((await visit(two!, { session, version: 'TLSv1.3' })).reused, false);
  assert.equal((await visit(one!, { session, version: 'TLSv1.3' })).reused, false);
});
