import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodView, SandboxView } from '../sandbox/index.ts';
import { eventText, progressText, statusText, upText } from './sandbox-text.ts';

const web: PodView = {
  namespace: 'shop',
  name: 'web-1',
  uid: '1',
  workload: 'web',
  workloadKind: 'Deployment',
  labels: {},
  phase: 'Running',
  ready: true,
  readyContainers: '2/2',
  terminating: false,
  restarts: 0,
  address: '10.244.0.2',
  netns: 'weft-shop.shop-web-1',
  meshed: true,
  proxyVersion: '0.1.0',
  reason: 'Running',
  startedAt: '2026-01-01T00:00:00Z',
  containers: [],
};
const sick: PodView = {
  ...web,
  name: 'db-0',
  ready: false,
  readyContainers: '0/1',
  restarts: 3,
  meshed: false,
  reason: 'CrashLoopBackOff',
  containers: [
    {
      name: 'db',
      init: false,
      ready: false,
      restarts: 3,
      state: 'CrashLoopBackOff',
      exitCode: 1,
      message: 'no disk',
      log: '/l',
    },
  ],
};

function view(pods: readonly PodView[]): SandboxView {
  return {
    name: 'shop',
    dir: '/srv/shop',
    mode: 'namespaces',
    version: '0.1.0',
    startedAt: '2026-01-01T00:00:00Z',
    agentPid: 1,
    pods,
    workloads: [],
    services: [
      {
        namespace: 'shop',
        name: 'web',
        type: 'NodePort',
        address: '10.96.0.16',
        ports: ['80/TCP'],
        ready: 1,
        total: 2,
        open: ['http://127.0.0.1:8080'],
      },
    ],
    problems: [{ severity: 'error', code: 'x', message: 'a.yaml:3: something is wrong' }],
    events: [],
  };
}

test('status lines up pods and services, and names what is not well with the command to type', () => {
  assert.equal(
    statusText(view([web, sick])),
    `sandbox shop, namespaces, from /srv/shop, up since 2026-01-01T00:00:00Z

NAMESPACE  POD    READY  STATUS            RESTARTS  ADDRESS     PROXY
shop       db-0   0/1    CrashLoopBackOff  3         10.244.0.2  -
shop       web-1  2/2    Running           0         10.244.0.2  weft 0.1.0

NAMESPACE  SERVICE  TYPE      ADDRESS     PORTS   READY  OPEN
shop       web      NodePort  10.96.0.16  80/TCP  1/2    http://127.0.0.1:8080

not well:
  pod shop/db-0, container db: CrashLoopBackOff, last exit code 1: no disk; see weft sandbox logs shop/db-0 -c db
error: a.yaml:3: something is wrong`,
  );
});

test('up says how many pods are ready, which addresses to open, and what to type next', () => {
  const text = upText({ ...view([web]), problems: [] }, 1234);
  assert.match(
    text,
    /^sandbox shop is up: 1 of 1 pods ready after 1\.2 s \(namespaces\)\n {2}http:\/\/127\.0\.0\.1:8080 {2}shop\/web\n/,
  );
  assert.match(text, /weft sandbox down --name shop$/);
  assert.match(upText(view([]), 0), /no workload in \/srv\/shop/);
  assert.match(
    upText(view([web]), 0),
    /^sandbox shop is up, but not with all that its folder asks for: 1 of 1/,
  );
});

test('an event is one line, whatever its message holds', () => {
  const event = {
    at: '2026-01-01T10:11:12.345Z',
    type: 'Warning',
    reason: 'Crashed',
    object: 'Pod/shop/db-0',
    message: 'one\ntwo',
  } as const;
  assert.equal(eventText(event), '10:11:12.345 Warning Crashed          Pod/shop/db-0: one | two');
});

test('progress on a terminal is a block that is written over: how many, whom for, and why', () => {
  const written: string[] = [];
  const show = progressText(text => written.push(text), true);
  for (const pods of [[sick], [sick], [web]]) show(view(pods));
  assert.deepEqual(written, [
    '\r\x1b[J0 of 1 pods ready\n  pod shop/db-0, container db: CrashLoopBackOff, last exit code 1: no disk; see weft sandbox logs shop/db-0 -c db',
    '\r\x1b[1A\x1b[J1 of 1 pods ready\n',
  ]);
});

test('progress without a terminal is a line for each change, and every ten seconds who is waited for', () => {
  const written: string[] = [];
  let nowMs = 0;
  const show = progressText(
    text => written.push(text),
    false,
    () => nowMs,
  );
  for (const pods of [[sick], [sick]]) show(view(pods));
  nowMs = 10_000;
  for (const pods of [[sick], [sick], [web], [web]]) show(view(pods));
  assert.deepEqual(written, [
    '0 of 1 pods ready\n',
    'waiting for:\n  pod shop/db-0, container db: CrashLoopBackOff, last exit code 1: no disk; see weft sandbox logs shop/db-0 -c db\n',
    '1 of 1 pods ready\n',
  ]);
});
