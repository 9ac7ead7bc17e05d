// Listeners that ListenerSets add to a gateway, by real sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
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

const http = '{ name: http, port: 80, protocol: HTTP, hostname: own.example }';
const allowed = 'allowedListeners: { namespaces: { from: Same } },';

function listenerSet(name: string, listeners: string): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: { name: ${name}, namespace: shop }
spec: { parentRef: { name: edge }, listeners: [${listeners}] }
`;
}

const atSet = (yaml: string, set: string): string =>
  yaml.replace('parentRefs: [{ name: edge }]', `parentRefs: [{ name: ${set}, kind: ListenerSet }]`);

async function rig(t: TestContext, yaml: string): Promise<GatewayRig> {
  const made = new GatewayRig(yaml);
  t.after(() => made.close());
  while (made.plane.gateway!.notReady() !== undefined) await new Promise(resolve => setImmediate(resolve));
  return made;
}

async function app(t: TestContext, name: string): Promise<number> {
  const { port, close } = await httpServer((_, response) => void response.end(name));
  t.after(close);
  return port;
}

async function ask(made: GatewayRig, host: string, port = 80): Promise<string> {
  const sent = request({ host: '127.0.0.1', port: made.port(port), headers: { host }, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response) text += String(piece);
  return response.statusCode === 200 ? text : String(response.statusCode);
}

test('listeners of a set are served beside those of its Gateway, each with its own routes; without leave, or taken away, they are not', async t => {
  const [a, b] = [await app(t, 'a'), await app(t, 'b')];
  const sets = listenerSet(
    'more',
    '{ name: http, port: 80, protocol: HTTP, hostname: set.example }, { name: other, port: 81, protocol: HTTP }',
  );
  const rest = service('a', a) + service('b', b) + route('a', 'a') + atSet(route('b', 'b'), 'more');
  const made = await rig(t, gateway(http, '{}', allowed) + sets + rest);
  assert.equal(await ask(made, 'own.example'), 'a');
  assert.equal(await ask(made, 'set.example'), 'b');
  assert.equal(await ask(made, 'any.example', 81), 'b');
  assert.equal(await ask(made, 'any.example'), '404');
  made.tell(gateway(http) + sets + rest);
  assert.equal(await ask(made, 'own.example'), 'a');
  assert.equal(await ask(made, 'set.example'), '404');
  assert.equal(made.port(81), 0);
});

test('what a Gateway demands of its clients holds at the listeners of its sets, too', async t => {
  const trusted = authority();
  const own = certificateFor(['a.example']);
  const made = await rig(
    t,
    `${gateway(http, '{}', `${allowed} tls: { frontend: { default: { validation: { caCertificateRefs: [{ kind: ConfigMap, group: "", name: ca }] } } } },`)}${secret('own', own)}${listenerSet('more', '{ name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: own }] } }')}${service('a', await app(t, 'a'))}${atSet(route('a', 'a'), 'more')}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ca, namespace: shop }
data: { ca.crt: ${JSON.stringify(trusted.pem)} }
`,
  );
  const answer = async (client?: ReturnType<typeof certificateFor>): Promise<string> => {
    const socket = connect({
      ...{ port: made.port(443), host: '127.0.0.1', rejectUnauthorized: false },
      ...(client && { cert: client.pem, key: client.keyPem }),
    });
    socket.on('error', () => {});
    let text = '';
    socket.on('data', piece => {
      text += String(piece);
    });
    socket.write('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
    await once(socket, 'close');
    return text.slice(0, 12);
  };
  assert.equal(await answer(certificateFor(['client'], trusted)), 'HTTP/1.1 200');
  assert.equal(await answer(), '');
});
