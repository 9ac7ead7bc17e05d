// What users see of a gRPC call that failed in its trailers, behind a head that says 200: in the log, in a tap, in the record
// that `weft explain` reads, on both sides.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { type TapItem, tapAnswerer } from '../../src/live/tap/index.ts';
import { eventually } from '../../src/proxy/testing/redirected.ts';
import type { TestProxy } from '../../src/proxy/testing/static-mesh.ts';
import { systemClock } from '../../src/time/index.ts';
import { FaultMesh } from '../explain/fault-mesh.ts';
import { failing, TextServer } from './threads/calls.ts';

/** Makes a call with an empty message; the status in its trailers. */
async function call(port: number, path: string): Promise<string | undefined> {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ':method': 'POST',
    ':authority': 'api:80',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  let said: unknown;
  const note = (fields: IncomingHttpHeaders): void => {
    said ??= fields['grpc-status'];
  };
  stream.on('response', note);
  stream.on('trailers', note);
  stream.end(Buffer.alloc(5));
  stream.resume();
  await once(stream, 'close');
  session.close();
  return said === undefined ? undefined : `${said as string}`;
}

function tapped({ plane }: TestProxy): { items: TapItem[]; stop: () => void } {
  const items: TapItem[] = [];
  const asker = { say: (item: object) => items.push(item as TapItem) > 0, skip() {}, done() {}, share: 1 };
  const stop = tapAnswerer(() => plane.services.observers, systemClock)(
    { kind: 'tap', protocol: 'grpc' },
    asker,
  );
  return { items, stop: () => stop?.() };
}

test('the status of a call that failed is in log, tap and explanation of both proxies', async t => {
  const server = await TextServer.start({ Ask: failing(status.UNAVAILABLE, 'the shelf is empty') });
  const mesh = new FaultMesh();
  mesh.keep(server);
  mesh.serve(server.port);
  const taps = [tapped(mesh.web), tapped(mesh.api)];
  t.after(() => {
    for (const each of taps) each.stop();
    mesh.close();
  });
  const path = '/test.Text/Ask';
  assert.equal(await call(mesh.web.plane.outboundPort, path), '14');
  for (const proxy of [mesh.web, mesh.api]) {
    await eventually(() => proxy.access.records.length === 1);
    const [logged] = proxy.access.records;
    assert.deepEqual([logged!.status, logged!.grpcStatus], [200, 14], 'in the log');
  }
  for (const { items } of taps) {
    assert.deepEqual(
      items.map(({ path, status, grpcStatus }) => [path, status, grpcStatus]),
      [[path, 200, 14]],
    );
  }
  const record = await mesh.lastFailure();
  assert.ok('grpcStatus' in record && record.grpcStatus === 14);
  const explanation = JSON.stringify(mesh.explain(record));
  assert.match(explanation, /UNAVAILABLE/);
});
