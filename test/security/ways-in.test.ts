// How those get in who have no proxy, where everybody else must prove who they are: the recipes of docs/authorization.md.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { place } from './place.ts';

const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: default}
spec: {mtls: {mode: STRICT}}
`;
const except = (port: string): string => `---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: httpbin-metrics, namespace: default}
spec:
  selector: {matchLabels: {app: httpbin}}
  mtls: {mode: STRICT}
  portLevelMtls: {${port}: {mode: PERMISSIVE}}
`;
const onlyMetrics = `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: httpbin, namespace: default}
spec:
  selector: {matchLabels: {app: httpbin}}
  rules:
  - from: [{source: {namespaces: [default]}}]
  - to: [{operation: {ports: ["PORT"], methods: [GET], paths: [/metrics]}}]
    from: [{source: {ipBlocks: [127.0.0.0/8]}}]
`;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: httpbin\r\n\r\n`;

test('one port takes plaintext, and every other still does not', async t => {
  const open = await place(t, strict + except('PORT'));
  assert.equal((await open.raw(get('/metrics'))).status, 200);
  const other = await place(t, strict + except('1'));
  assert.equal((await other.raw(get('/metrics'))).status, 403);
  assert.equal((await other.as('web')).status, 200);
});

test('who comes there without a certificate may read the metrics, from where they are read, and nothing else', async t => {
  const at = await place(t, strict + except('PORT') + onlyMetrics);
  assert.equal((await at.raw(get('/metrics'))).status, 200);
  assert.equal((await at.raw(get('/admin'))).status, 403);
  assert.equal(
    (await at.raw('POST /metrics HTTP/1.1\r\nhost: httpbin\r\ncontent-length: 0\r\n\r\n')).status,
    403,
  );
  assert.equal((await at.as('web', { path: '/admin' })).status, 200);
  const elsewhere = await place(
    t,
    strict + except('PORT') + onlyMetrics.replace('127.0.0.0/8', '10.9.0.0/16'),
  );
  assert.equal((await elsewhere.raw(get('/metrics'))).status, 403);
});
