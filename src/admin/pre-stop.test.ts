import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import type { AdminReply, AdminRequest } from './http-server.ts';
import { preStopRoutes } from './pre-stop.ts';
import type { AdminHost } from './routes.ts';

/** A proxy by hand, and one who asks it whether traffic has ended. */
function setUp({ handled = 0, inbound = 0, active = 0, tunnels = 0 }) {
  const clock = new FakeClock();
  const series = [
    { labels: 'reporter="source"', requests: 99 },
    { labels: 'reporter="destination",response_code="200"', requests: handled },
  ];
  const underWay = { exchanges: active, tunnels, inbound, outbound: 5 };
  const services = { requests: { values: () => series.values() } };
  const host = { plane: { services }, underWay: () => underWay } as unknown as AdminHost;
  const ask = (seconds: string) => {
    const answer: { body?: string } = {};
    const request = { query: new URLSearchParams({ seconds }) } as AdminRequest;
    const reply = preStopRoutes(host, clock)['GET /app-drained']!(request) as Promise<AdminReply>;
    void reply.then(({ body }) => {
      answer.body = body;
    });
    return answer;
  };
  const came = (more: number): void => {
    series[1]!.requests += more;
  };
  return { clock, ask, host, underWay, came };
}

test('an app that nobody ever called is told to stop at once', async () => {
  const { clock, ask } = setUp({});
  const answer = ask('10');
  await clock.advance(0);
  assert.equal(answer.body, 'nothing ever came in\n');
});

test('with several cores, of which others may have been called, the second is waited for', async () => {
  const { clock, ask, host } = setUp({});
  Object.assign(host, { cores: {} });
  const answer = ask('10');
  await clock.advance(900);
  assert.equal(answer.body, undefined);
  await clock.advance(300);
  assert.equal(answer.body, 'nothing comes in any more\n');
});

test('the app is told a second after the last request came in, and nothing is left scheduled', async () => {
  const { clock, ask, came } = setUp({ handled: 7, inbound: 3 });
  const answer = ask('10');
  for (let each = 0; each < 4; each++) {
    await clock.advance(700);
    came(1);
  }
  await clock.advance(900);
  assert.equal(answer.body, undefined);
  await clock.advance(300);
  assert.equal(answer.body, 'nothing comes in any more\n');
  assert.equal(clock.pending, 0);
});

test('a request that is still under way is waited for; calls of the app to others are not, once nobody is connected', async () => {
  const { clock, ask, underWay } = setUp({ handled: 7, inbound: 1, active: 1 });
  const answer = ask('10');
  await clock.advance(5_000);
  assert.equal(answer.body, undefined);
  underWay.inbound = 0;
  underWay.exchanges = 1;
  await clock.advance(1_200);
  assert.equal(answer.body, 'nothing comes in any more\n');
});

test('tunnels, as WebSockets are, are left to the app to end', async () => {
  const { clock, ask } = setUp({ handled: 7, inbound: 2, active: 2, tunnels: 2 });
  const answer = ask('10');
  await clock.advance(900);
  assert.equal(answer.body, undefined);
  await clock.advance(300);
  assert.equal(answer.body, 'nothing comes in any more\n');
});

test('traffic that never ends is waited for as long as was asked, and nobody can ask for hours', async () => {
  for (const [seconds, limit] of [
    ['3', 3_000],
    ['86400', 60_000],
    ['soon', 10_000],
  ] as const) {
    const { clock, ask, came } = setUp({ handled: 1, inbound: 1 });
    const answer = ask(seconds);
    for (let ms = 0; ms < limit - 200; ms += 200) {
      await clock.advance(200);
      came(1);
    }
    assert.equal(answer.body, undefined);
    await clock.advance(400);
    assert.equal(answer.body, 'requests still come in; the wait is over\n');
  }
});
