import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { DEFAULT_TRAFFIC } from '../../model/index.ts';
import { type Ask, ask, closeAll, httpServer } from '../testing/clients.ts';
import { eventually } from '../testing/redirected.ts';
import { StaticMesh } from '../testing/static-mesh.ts';

/** A caller, an app in the middle that it calls over mesh TLS, and what that calls: everything there fails. */
async function setUp(
  context: TestContext,
  work: (request: IncomingMessage, call: (options?: Ask) => Promise<unknown>) => Promise<number>,
) {
  const mesh = new StaticMesh();
  const caller = mesh.proxy('caller');
  const middle = mesh.proxy('middle');
  const settings = {
    retryBudget: { ratio: 1, minPerSecond: 100, ttlMs: 10_000 },
    outlier: { ...DEFAULT_TRAFFIC.outlier, enabled: false },
  };
  const retry = { attempts: 1, backoffBaseMs: 1, backoffMaxMs: 2 };
  const deep = await httpServer((_request, response) => void response.writeHead(503).end());
  mesh.set({
    key: 'deep:80',
    endpoints: [mesh.plain(deep.port)],
    settings,
    retry: { ...retry, attempts: 0 },
  });
  const call = (options?: Ask): Promise<unknown> => ask(middle.plane.outboundPort, 'deep:80', options);
  const asked: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked.push(request.url!);
    response.writeHead(await work(request, call)).end();
  };
  const app = await httpServer((request, response) => void answer(request, response));
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(middle, app.port)], settings, retry });
  context.after(() => closeAll(mesh, app, deep));
  return {
    asked,
    call,
    get: (path: string, headers = {}) => ask(caller.plane.outboundPort, 'app:80', { path, headers }),
  };
}

/** What an app passes on. */
function ids({ headers }: IncomingMessage, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map(name => [name, String(headers[name])]));
}

const parent = (span: string): string => `00-0af7651916cd43dd8448eb211c80319c-${span}-01`;

test('a call that failed for another request does not keep a failure from being tried again', async context => {
  const { asked, get } = await setUp(context, async (request, call) => {
    if (request.url === '/other') {
      await call({ headers: { host: 'deep:80', ...ids(request, ['x-request-id']) } });
      return 200;
    }
    await eventually(() => asked.includes('/other'));
    await other;
    return 503;
  });
  let other: Promise<unknown> = Promise.resolve();
  const mine = get('/mine');
  await eventually(() => asked.includes('/mine'));
  other = get('/other');
  assert.equal((await mine).status, 503);
  assert.deepEqual(asked.filter(path => path === '/mine').length, 2);
});

for (const name of ['x-request-id', 'traceparent']) {
  test(`a failure after one of the app's own calls failed, which passed ${name} on, is not tried again`, async context => {
    const { asked, get } = await setUp(context, async (request, call) => {
      const passed = ids(request, [name]);
      if (name === 'traceparent') passed[name] = parent('00f067aa0ba902b7');
      await call({ headers: { host: 'deep:80', ...passed } });
      return 503;
    });
    const answer = await get('/mine', { host: 'app:80', traceparent: parent('b7ad6b7169203331') });
    assert.equal(answer.status, 503);
    assert.deepEqual(asked, ['/mine']);
    assert.equal(answer.headers['x-weft-cascaded'], undefined);
  });
}

test('where the app passes nothing on, or two requests of one id are under way, nothing is told', async context => {
  const { asked, get } = await setUp(context, async (request, call) => {
    const passed = request.url === '/silent' ? {} : ids(request, ['x-request-id']);
    if (request.url !== '/twin') {
      await call({ headers: { host: 'deep:80', ...passed } });
      return 503;
    }
    await release;
    return 200;
  });
  let done = (): void => {};
  const release = new Promise<void>(resolve => {
    done = resolve;
  });
  await get('/silent');
  assert.deepEqual(asked, ['/silent', '/silent']);
  const twin = get('/twin', { host: 'app:80', 'x-request-id': 'same' });
  await eventually(() => asked.includes('/twin'));
  await get('/mine', { host: 'app:80', 'x-request-id': 'same' });
  assert.deepEqual(asked.slice(2), ['/twin', '/mine', '/mine']);
  done();
  await twin;
  await get('/mine', { host: 'app:80', 'x-request-id': 'same' });
  assert.equal(asked.length, 6, 'alone again, it is told');
});

test('a call that failed before the request came says nothing about it', async context => {
  const { asked, call, get } = await setUp(context, async () => 503);
  await call({ headers: { host: 'deep:80', 'x-request-id': 'same' } });
  await new Promise(resolve => setTimeout(resolve, 5));
  await get('/mine', { host: 'app:80', 'x-request-id': 'same' });
  assert.deepEqual(asked, ['/mine', '/mine']);
});
