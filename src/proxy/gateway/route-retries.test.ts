// What an HTTPRoute's retry and timeouts do together at a gateway, by real sockets (GEP-1731, GEP-1742).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, type RequestListener, request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { type Clock, FakeClock } from '../../time/index.ts';
import { httpServer } from '../testing/clients.ts';
import { GatewayRig, gateway, route, service } from './testing/gateway-rig.ts';

async function rig(t: TestContext, rule: string, app: RequestListener, clock?: Clock): Promise<GatewayRig> {
  const { port, close } = await httpServer(app);
  t.after(close);
  const made = new GatewayRig(
    gateway('{ name: http, port: 80, protocol: HTTP }') +
      service('app', port) +
      route('web', 'app', '', rule),
    clock,
  );
  t.after(() => made.close());
  while (made.plane.gateway!.notReady() !== undefined) await new Promise(resolve => setImmediate(resolve));
  return made;
}

async function status(made: GatewayRig, method = 'GET'): Promise<number> {
  const sent = request({ host: '127.0.0.1', port: made.port(80), method, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'close');
  return response.statusCode!;
}

/** Leaves the first `times` requests without an answer; with each the time of a try goes by, and otherwise none does. */
class Silent {
  readonly clock = new FakeClock();
  calls = 0;
  readonly #times: number;

  constructor(times: number) {
    this.#times = times;
  }

  readonly app: RequestListener = (_, response) => {
    this.calls++;
    // Less than two tries have, and more than the longest wait between two.
    if (this.calls <= this.#times) void this.clock.advance(1_900);
    else response.end('at last');
  };
}

const tries = (codes: string): string =>
  `timeouts: { request: 30s, backendRequest: 1s }, retry: { attempts: 2, ${codes}backoff: 20ms }`;

test('HTTPRouteRetryBackendTimeout: a try that reaches backendRequest is made again where there is a retry, whatever its codes', async t => {
  for (const codes of ['', 'codes: [503], ']) {
    const backend = new Silent(2);
    const made = await rig(t, tries(codes), backend.app, backend.clock);
    assert.equal(await status(made), 200, codes);
    assert.equal(backend.calls, 3);
  }
});

test('not beyond the attempts, nor what is not idempotent, nor without tries', async t => {
  for (const [rule, method, times] of [
    [tries('codes: [503], '), 'GET', 3],
    [tries('codes: [503], '), 'POST', 1],
    ['timeouts: { backendRequest: 1s }, retry: { attempts: 0 }', 'GET', 1],
  ] as const) {
    const backend = new Silent(9);
    const made = await rig(t, rule, backend.app, backend.clock);
    assert.equal(await status(made, method), 504, `${method} ${rule}`);
    assert.equal(backend.calls, times, `${method} ${rule}`);
  }
});

test('a connection that breaks before its answer is asked once more', async t => {
  let calls = 0;
  const made = await rig(t, 'retry: { attempts: 1, codes: [500] }', (asked, response) => {
    calls++;
    if (calls === 1) asked.socket.destroy();
    else response.end('here');
  });
  assert.equal(await status(made), 200);
  assert.equal(calls, 2);
});
