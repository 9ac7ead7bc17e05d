import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../src/time/index.ts';
import { apiEventSink, EventReporter, type EventSink, type MeshEvent } from './events.ts';
import { fakeApi, Recorder } from './testing/admission.ts';

const event: MeshEvent = {
  namespace: 'shop',
  about: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart', uid: 'u1' },
  type: 'Warning',
  reason: 'WeftNotInjected',
  message: 'not injected: hostNetwork is true',
};

function reporter(sink: EventSink, clock = new FakeClock()) {
  const record = new Recorder();
  const { log } = record;
  const made = new EventReporter({
    sink,
    clock,
    log,
    observe: record.observer.event,
    perSecond: 1,
    burst: 2,
  });
  return { record, clock, report: (over: Partial<MeshEvent> = {}) => made.report({ ...event, ...over }) };
}

test('the same about the same is told once in ten minutes', async () => {
  const told: MeshEvent[] = [];
  const { report, clock, record } = reporter(each => void told.push(each));
  report();
  report();
  clock.advance(600_000);
  report();
  await Promise.resolve();
  assert.equal(told.length, 2);
  assert.deepEqual(record.eventOutcomes.toSorted(), ['repeated', 'sent', 'sent']);
});

test('a flood of different events is cut down to the rate', () => {
  const told: MeshEvent[] = [];
  const { report, clock } = reporter(each => void told.push(each));
  for (let i = 0; i < 10; i++) report({ message: `m${i}` });
  assert.equal(told.length, 2);
  clock.advance(3_000);
  for (let i = 10; i < 20; i++) report({ message: `m${i}` });
  assert.equal(told.length, 4);
});

test('an event that was cut is told when it comes again later', () => {
  const told: string[] = [];
  const { report, clock } = reporter(each => void told.push(each.message));
  for (const message of ['a', 'b', 'c']) report({ message });
  clock.advance(1_000);
  report({ message: 'c' });
  assert.deepEqual(told, ['a', 'b', 'c']);
});

test('a sink that fails is logged once a minute and hurts nobody', async () => {
  const { report, record, clock } = reporter(() => Promise.reject(new Error('forbidden')));
  report({ message: 'a' });
  report({ message: 'b' });
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(record.lines.length, 1);
  assert.match(record.lines[0]!, /may weft-injector create events/);
  clock.advance(60_000);
  report({ message: 'c' });
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(record.lines.length, 2);
  assert.deepEqual(record.eventOutcomes, ['failed', 'failed', 'failed']);
});

test('events are written to the API about the workload, cut to what the server takes', async () => {
  const path = '/api/v1/namespaces/shop/events';
  const api = fakeApi({ [`POST ${path}`]: { status: 201, body: {} } });
  await apiEventSink(api, new FakeClock(), 'weft-injector-0')({ ...event, message: 'x'.repeat(2000) });
  const body = api.calls[0]?.body as Record<string, Record<string, unknown>> & { message: string };
  assert.equal(body.message.length, 1024);
  assert.deepEqual(body.involvedObject, { ...event.about, namespace: 'shop' });
  assert.match(String(body.metadata?.generateName), /^cart\.weft-$/);
  const refusing = fakeApi({ [`POST ${path}`]: { status: 403, body: { message: 'may not' } } });
  await assert.rejects(async () => apiEventSink(refusing, new FakeClock(), 'x')(event), /may not \(403\)/);
});
