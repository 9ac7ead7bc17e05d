import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../telemetry/index.ts';
import { InProcessStream } from './in-process.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { shopYaml, streamSuite, TestMesh } from './testing/stream-suite.ts';

streamSuite('in-process', async (context, { hub }, sink) => {
  const caller = { namespace: 'shop', labels: {} };
  const stream = new InProcessStream({
    hub,
    sink,
    log: silentLog,
    caller,
    pod: 'shop/front-0',
    source: 'test',
  });
  stream.start();
  context.after(() => stream.close());
  return stream;
});

test('a proxy that is no pod has no inbound side, and a closed stream leaves nothing in the hub', async () => {
  const { hub } = new TestMesh(shopYaml);
  const sink = new RecordingSink();
  const caller = { namespace: '', labels: {} };
  const stream = new InProcessStream({ hub, sink, log: silentLog, caller, source: 'test' });
  stream.start();
  stream.want('reviews.shop:80');
  await sink.until(() => sink.get('destination', 'reviews.shop:80') !== undefined);
  assert.deepEqual(
    sink.applied.filter(each => each.kind === 'inbound'),
    [],
  );
  stream.close();
  assert.equal(hub.size, 0);
});
