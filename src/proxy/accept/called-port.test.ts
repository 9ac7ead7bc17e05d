import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkloadAuthorization } from '../../model/index.ts';
import { FakeClock } from '../../time/index.ts';
import { closeAll, rawConnection, tcpServer } from '../testing/clients.ts';
import { eventually, redirectedInbound } from '../testing/redirected.ts';
import { StaticMesh } from '../testing/static-mesh.ts';

const nobody: WorkloadAuthorization = {
  action: 'allow',
  rules: [],
  from: {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    namespace: 'default',
    name: 'nobody',
  },
};

test('a policy that comes between a connection and its first byte holds for that connection', async t => {
  const mesh = new StaticMesh();
  let heard = '';
  const app = await tcpServer(socket =>
    socket.on('data', data => {
      heard += String(data);
      socket.write(data);
    }),
  );
  const ports = [{ number: app.port, protocol: 'tcp', mtls: 'permissive' }] as const;
  // Its time stands still, so that nobody asks the app whether it speaks first.
  const { plane } = mesh.proxy('server', { mtls: 'permissive', clock: new FakeClock(), ports });
  const inbound = redirectedInbound(plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  const before = await rawConnection(inbound.port);
  before.write('\x00one');
  await before.until(({ text }) => text === '\x00one');
  const raw = await rawConnection(inbound.port);
  await eventually(() => inbound.wires.length === 2);
  assert.equal(plane.apply({ ...plane.inboundPorts.resource!, authorization: [nobody] }), undefined);
  raw.write('\x00two');
  await raw.until(({ text, closed }) => text !== '' || closed);
  assert.deepEqual([raw.text, raw.closed, heard], ['', true, '\x00one']);
});
