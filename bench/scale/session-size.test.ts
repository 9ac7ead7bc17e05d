import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Hub } from '../../src/discovery/index.ts';
import { ProxySession } from '../../src/discovery/proxy-session.ts';
import { type Change, keyOf, kindOf, readObject, refOf } from '../../src/registry/index.ts';
import { callerOf } from '../../src/resolve/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { Translator } from '../../src/translate/index.ts';
import { SimulatedMesh } from './simulated-mesh.ts';

/** What JavaScript may hold of a proxy that follows twenty Services; it was 75 KB once, and 42 when this was written. */
const mostKb = 50;
const proxies = 500;

test('a proxy that follows twenty Services costs the control plane less than 50 KB of JavaScript', () => {
  const mesh = new SimulatedMesh({ services: 50, pods: proxies, namespaces: 5, called: 20 });
  const pods = Array.from({ length: proxies }, (_, number) => mesh.pod(number % 50, number));
  const changes: Change[] = [];
  const put = (apiVersion: string, kind: string, body: object): void => {
    const read = readObject({ apiVersion, kind, ...body });
    assert.ok(read.kind === 'object');
    const { object } = read;
    const stored = { object, ref: refOf(object, 'test', {}), owner: { name: 'test' } };
    changes.push({ type: 'put', kind: kindOf(apiVersion, kind), key: keyOf(object.metadata, {}), stored });
  };
  for (const pod of pods) put('v1', 'Pod', mesh.podObject(pod));
  for (let service = 0; service < 50; service++) {
    put('v1', 'Service', mesh.service(service));
    const own = pods.filter(pod => pod.service === service);
    put('discovery.k8s.io/v1', 'EndpointSlice', mesh.slice(service, own));
  }
  const translated = new Translator().apply(changes).mesh;
  const hub = new Hub(translated, ['root']);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const start = (pod: (typeof pods)[number]): ProxySession => {
    const namespace = mesh.namespaceOf(pod.service);
    let sent: number[] = [];
    const session = new ProxySession({
      server: { hub, clock: systemClock, log: silentLog } as never,
      hello: { type: 'hello', namespace, pod: pod.name, proxyVersion: 'test', answers: [] },
      subscriptions: 10_000,
      caller: callerOf(translated.workloads.get(`${namespace}/${pod.name}`)!),
      write: line => sent.push(Number(/"version":(\d+)/.exec(line)![1])) > 0,
      flushSoon: () => {},
    });
    session.start();
    session.subscribe(mesh.calledBy(pod.service).map(service => mesh.keyOf(service)));
    for (session.flush(); sent.length > 0; session.flush()) {
      const versions = sent;
      sent = [];
      for (const version of versions) session.settle(version);
    }
    return session;
  };
  // What is computed once for all is there before anything is counted.
  const first = pods.splice(0, 50).map(start);
  collect();
  const before = process.memoryUsage().heapUsed;
  const sessions = pods.map(start);
  collect();
  const kb = (process.memoryUsage().heapUsed - before) / 1024 / sessions.length;
  // Trust, the pod's own side, and twenty destinations with their endpoints.
  for (const session of [...first, ...sessions]) assert.equal(session.status().resources.length, 42);
  assert.ok(kb < mostKb, `${kb.toFixed(1)} KB`);
  assert.ok(kb > 5, `${kb.toFixed(1)} KB: nothing was measured`);
});
