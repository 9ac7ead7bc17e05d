import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { readInjectorConfig } from '../config/injector-config.ts';
import { type Clock, FakeClock, systemClock } from '../time/index.ts';
import { Translator } from '../translate/index.ts';
import { changesOf } from '../translate/testing/from-yaml.ts';
import { serveRoutes } from './injector-http.ts';
import { InjectorView } from './injector-view.ts';

const pods = `
apiVersion: v1
kind: Pod
metadata: {name: neighbour, namespace: shop}
spec: {}
status: {podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}]}
---
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec: {hostNetwork: true}
status: {podIP: 192.168.0.2, podIPs: [{ip: 192.168.0.2}]}
`;

const starting = `
apiVersion: v1
kind: Pod
metadata: {name: new, namespace: shop}
spec: {nodeName: node-1}
status: {phase: Pending}
`;

function viewOf(context: TestContext, read: boolean, more = '', clock: Clock = systemClock): InjectorView {
  const stop = new AbortController();
  context.after(() => stop.abort());
  const flags = { source: 'files:x', caDir: 'ca', tokenKeys: 'k' };
  const view = new InjectorView(readInjectorConfig(flags, {}), stop.signal, clock);
  const translator = new Translator();
  const { mesh } = translator.apply(changesOf(pods + more));
  if (read) view.parts.pipeline = { mesh } as NonNullable<InjectorView['parts']['pipeline']>;
  return view;
}

test('/debug is told to no pod, but to loopback and the API server; before the pods are known to loopback alone', context => {
  const view = viewOf(context, true);
  assert.match(
    view.closedTo('10.1.0.5') ?? '',
    /the pod shop\/neighbour may not ask this; use weft proxy-status/,
  );
  assert.match(view.closedTo('::ffff:10.1.0.5') ?? '', /shop\/neighbour/);
  for (const address of ['127.0.0.1', '::1', '192.168.0.2', '::ffff:192.168.0.2'])
    assert.equal(view.closedTo(address), undefined, address);
  const early = viewOf(context, false);
  assert.match(early.closedTo('192.168.0.2') ?? '', /before the configuration/);
  assert.equal(early.closedTo('127.0.0.1'), undefined);
});

test('an unknown address may be that of a pod that is starting: it is told nothing until that must be known', async context => {
  const clock = new FakeClock();
  const view = viewOf(context, true, `---${starting}`, clock);
  const may = /shop\/new is starting .* ask again in 10 s/;
  assert.match(view.closedTo('10.1.0.6') ?? '', may);
  assert.equal(view.closedTo('127.0.0.1'), undefined);
  await clock.advance(9_999);
  assert.match(view.closedTo('10.1.0.6') ?? '', may);
  await clock.advance(1);
  assert.equal(view.closedTo('10.1.0.6'), undefined, 'one that never starts closes it to nobody');
  assert.match(view.closedTo('10.1.0.7') ?? '', may);
});

function get(port: number, path: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', path, headers: { host } }, response => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('whoever /debug is closed to still gets metrics and readiness, and a name that leads here gets nothing', async context => {
  const stop = new AbortController();
  context.after(() => stop.abort());
  const routes = { '/debug/proxies': () => ({ body: [] }), '/metrics': () => ({ body: '' }) };
  const serve = (why: string | undefined) =>
    serveRoutes({ host: '127.0.0.1', port: 0 }, routes, stop.signal, systemClock, undefined, () => why);
  const closed = await serve('no');
  assert.equal(await get(closed, '/debug/proxies', '127.0.0.1'), 403);
  assert.equal(await get(closed, '/metrics', '127.0.0.1'), 200);
  const open = await serve(undefined);
  assert.equal(await get(open, '/debug/proxies', `127.0.0.1:${open}`), 200);
  assert.equal(await get(open, '/debug/proxies', 'weft-injector.weft-system.svc:15014'), 200);
  assert.equal(await get(open, '/debug/proxies', 'evil.example'), 403);
  assert.equal(await get(open, '/metrics', 'evil.example'), 200);
});
