// gRPC-Web as a real Chromium sends it: a page calls, from another origin, an app that knows gRPC alone, through two proxies. The
// browser asks for leave first (CORS); what the page may send and read is in the route's policy.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { CorsPolicy } from '../../src/model/index.ts';
import { closeAll, httpServer } from '../../src/proxy/testing/clients.ts';
import { StaticMesh } from '../../src/proxy/testing/static-mesh.ts';
import { launch, skip } from '../dashboard/browser.ts';
import { decoded, frames, message, spellingApp } from './spelling.ts';

/** What docs/grpc.md tells people to write. */
const leave: Omit<CorsPolicy, 'origins'> = {
  methods: ['POST'],
  headers: ['content-type', 'x-grpc-web', 'x-user-agent', 'grpc-timeout'],
  exposeHeaders: ['grpc-status', 'grpc-message'],
  maxAgeSeconds: 600,
  credentials: false,
  forwardUnmatchedPreflights: false,
};

/** What a page reads of an answer; `failed` where the browser shows it none. */
interface Read {
  readonly failed: string;
  readonly status: number;
  readonly type: string | null;
  readonly grpcStatus: string | null;
  readonly grpcMessage: string | null;
  /** In base64. */
  readonly body: string;
}

/** Runs in the page, whole. `body` is base64, and is sent as it is where `type` says so. */
async function fetchIt(asked: { url: string; type: string; body: string }): Promise<Read> {
  try {
    const bytes = Uint8Array.from(atob(asked.body), char => char.charCodeAt(0));
    const answer = await fetch(asked.url, {
      method: 'POST',
      // As grpc-web's own client does.
      headers: {
        'content-type': asked.type,
        'x-grpc-web': '1',
        'x-user-agent': 'grpc-web-javascript/0.1',
        'grpc-timeout': '60S',
      },
      body: asked.type.includes('-text') ? asked.body : bytes,
    });
    return {
      failed: '',
      status: answer.status,
      type: answer.headers.get('content-type'),
      grpcStatus: answer.headers.get('grpc-status'),
      grpcMessage: answer.headers.get('grpc-message'),
      body: btoa(String.fromCharCode(...new Uint8Array(await answer.arrayBuffer()))),
    };
  } catch (error) {
    return { failed: String(error), status: 0, type: null, grpcStatus: null, grpcMessage: null, body: '' };
  }
}

/** A page on an origin of its own; names that end with `.shop` lead its browser to the caller's proxy. */
async function setUp(t: TestContext, given: { readonly allowed: boolean }) {
  const app = await spellingApp();
  const site = await httpServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>shop</title><link rel="icon" href="data:,">');
  });
  const mesh = new StaticMesh();
  t.after(() => closeAll(mesh, site, app));
  const { plane, access } = mesh.proxy('client');
  const callee = mesh.proxy('callee', { ports: [{ number: app.port, protocol: 'grpc', mtls: 'strict' }] });
  const origin = `http://127.0.0.1:${site.port}`;
  const origins = [{ kind: 'exact' as const, value: given.allowed ? origin : 'http://127.0.0.1:1' }];
  const route = { cors: { ...leave, origins } };
  const protocol = 'grpc-web' as const;
  mesh.set({ key: 'web.shop:80', protocol, endpoints: [mesh.meshed(callee, app.port)], route });
  mesh.set({ key: 'gone.shop:80', protocol, endpoints: [], route });
  const browser = await launch([`--host-resolver-rules=MAP *.shop 127.0.0.1:${plane.outboundPort}`]);
  t.after(() => browser.close());
  const page: Page = await browser.newPage();
  await page.goto(origin);
  const call = (type: string, text: string, host = 'web.shop'): Promise<Read> =>
    page.evaluate(fetchIt, {
      url: `http://${host}/a.B/Spell`,
      type,
      body: message(text).toString('base64'),
    });
  const asked = (): string[] => access.records.map(({ method, status }) => `${method} ${status}`);
  return { app, call, asked };
}

test('a page in Chromium calls a server of gRPC, in bytes and in base64, and reads messages and status', {
  skip,
}, async t => {
  const { app, call, asked } = await setUp(t, { allowed: true });
  const bytes = await call('application/grpc-web+proto', 'abc');
  assert.deepEqual([bytes.failed, bytes.status, bytes.type], ['', 200, 'application/grpc-web+proto']);
  const said = frames(Buffer.from(bytes.body, 'base64'));
  assert.deepEqual(said.slice(0, 3), ['0:a', '0:b', '0:c']);
  assert.match(said[3]!, /^128:[\s\S]*grpc-status: 0\r\n/);
  assert.equal(said.length, 4);
  const text = await call('application/grpc-web-text', 'xyz');
  assert.deepEqual([text.failed, text.status, text.type], ['', 200, 'application/grpc-web-text']);
  const spelt = frames(decoded(Buffer.from(text.body, 'base64').toString('latin1')));
  assert.deepEqual(spelt.slice(0, 3), ['0:x', '0:y', '0:z']);
  assert.match(spelt[3]!, /^128:[\s\S]*grpc-status: 0\r\n/);
  // Leave is asked for once: the answer is good for ten minutes. The app hears nothing of it.
  assert.deepEqual(asked(), ['OPTIONS 200', 'POST 200', 'POST 200']);
  assert.equal(app.served(), 2);
});

test('a page in Chromium reads a status without a message, the proxy’s own too, where the policy exposes it', {
  skip,
}, async t => {
  const { call } = await setUp(t, { allowed: true });
  for (const type of ['application/grpc-web+proto', 'application/grpc-web-text']) {
    const answered = await call(type, '');
    assert.deepEqual([answered.failed, answered.status, answered.grpcStatus], ['', 200, '5']);
    assert.equal(decodeURIComponent(answered.grpcMessage!), 'nothing to spell');
    const nobody = await call(type, 'abc', 'gone.shop');
    assert.deepEqual([nobody.failed, nobody.status, nobody.grpcStatus], ['', 200, '14']);
    assert.match(decodeURIComponent(nobody.grpcMessage!), /gone\.shop/);
  }
});

test('Chromium keeps a page from calling where the policy does not name its origin, and the app hears nothing', {
  skip,
}, async t => {
  const { app, call, asked } = await setUp(t, { allowed: false });
  assert.match((await call('application/grpc-web+proto', 'abc')).failed, /Failed to fetch/);
  assert.deepEqual(asked(), ['OPTIONS 200']);
  assert.equal(app.served(), 0);
});
