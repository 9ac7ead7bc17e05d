import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { hasForeignSocket } from './app-presence.ts';
import { drained } from './drain.ts';

function watched(
  clock: FakeClock,
  present: boolean | undefined,
): {
  state: { exchanges: number; outbound: number; inbound: number; present: boolean | undefined };
  over: () => boolean;
} {
  const state = { exchanges: 0, outbound: 0, inbound: 0, present };
  let over = false;
  void drained({ busy: () => state, appIsPresent: () => state.present }, clock).then(() => {
    over = true;
  });
  return { state, over: () => over };
}

test('a proxy stays for as long as its app does, and goes soon after', async () => {
  const clock = new FakeClock();
  const { state, over } = watched(clock, true);
  await clock.advance(3_600_000);
  assert.equal(over(), false);
  state.present = false;
  state.exchanges = 1;
  await clock.advance(5_000);
  assert.equal(over(), false, 'an exchange was still under way');
  state.exchanges = 0;
  await clock.advance(400);
  assert.equal(over(), false, 'it must be quiet for a while');
  await clock.advance(300);
  assert.equal(over(), true);
});

test('what others send connections to goes on for as long as they take to notice, though nothing is under way', async () => {
  const clock = new FakeClock();
  let over = false;
  const idle = { exchanges: 0, outbound: 0 };
  void drained({ busy: () => idle, appIsPresent: () => undefined }, clock, 10_000).then(() => {
    over = true;
  });
  await clock.advance(9_900);
  assert.equal(over, false);
  await clock.advance(200);
  assert.equal(over, true);
});

test('an app that comes back within the quiet time starts the wait anew', async () => {
  const clock = new FakeClock();
  const { state, over } = watched(clock, false);
  await clock.advance(300);
  state.present = true;
  await clock.advance(200);
  state.present = false;
  await clock.advance(400);
  assert.equal(over(), false);
  await clock.advance(300);
  assert.equal(over(), true);
});

test('without a view of the app, open outbound connections are waited for, but not for ever', async () => {
  const clock = new FakeClock();
  const { state, over } = watched(clock, undefined);
  state.outbound = 1;
  await clock.advance(29_000);
  assert.equal(over(), false);
  await clock.advance(1_500);
  assert.equal(over(), true);
});

test('sockets of the pod tell whether the app is there', () => {
  const head =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  const line = (state: string, uid: number, inode: number): string =>
    `   0: 0100007F:3A99 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0000 100 0 0 10 0\n`;
  assert.equal(hasForeignSocket(head + line('0A', 1337, 5), 1337), false);
  assert.equal(hasForeignSocket(head + line('0A', 1337, 5) + line('0A', 1000, 6), 1337), true);
  assert.equal(hasForeignSocket(head + line('01', 0, 7), 1337), true);
  assert.equal(hasForeignSocket(head + line('06', 0, 0), 1337), false, 'TIME_WAIT belongs to nobody');
  assert.equal(hasForeignSocket(head + line('01', 0, 0), 1337), false, 'an orphan belongs to nobody');
});
