import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessLog, Log } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import { Logging } from './logging.ts';

function parts() {
  const clock = new FakeClock();
  const log = { level: 'info' } as Log;
  const accessLog = { mode: 'errors' } as AccessLog;
  const told: (readonly [string | undefined, string | undefined])[] = [];
  const cores = {
    setLogging: (level: string | undefined, access: string | undefined) => void told.push([level, access]),
  };
  const logging = new Logging({ clock, log, accessLog, cores });
  const set = (query: string): { status: number; body: string } => logging.set(new URLSearchParams(query));
  const view = (): unknown => JSON.parse(logging.view().body) as unknown;
  return { clock, log, accessLog, told, set, view };
}

test('levels are set on every core, for good', () => {
  const { clock, log, accessLog, told, set, view } = parts();
  assert.equal(set('level=debug').status, 200);
  assert.equal(set('access=all').status, 200);
  clock.advance(86_400_000 * 2);
  assert.deepEqual([log.level, accessLog.mode], ['debug', 'all']);
  assert.deepEqual(told, [
    ['debug', undefined],
    [undefined, 'all'],
  ]);
  assert.deepEqual(view(), { level: 'debug', accessLog: 'all' });
});

test('what is set for a time goes back by itself, on every core', () => {
  const { clock, log, accessLog, told, set, view } = parts();
  set('level=debug&access=all&for=600');
  clock.advance(599_500);
  assert.deepEqual(view(), {
    level: 'debug',
    accessLog: 'all',
    back: { level: 'info', accessLog: 'errors', inSeconds: 1 },
  });
  clock.advance(500);
  assert.deepEqual([log.level, accessLog.mode], ['info', 'errors']);
  assert.deepEqual(told.at(-1), ['info', 'errors']);
  assert.deepEqual(view(), { level: 'info', accessLog: 'errors' });
});

test('of two changes for a time the later one counts, and what held before the first comes back', () => {
  const { clock, log, accessLog, set } = parts();
  set('level=debug&for=60');
  clock.advance(30_000);
  set('access=all&for=60');
  clock.advance(59_999);
  assert.deepEqual([log.level, accessLog.mode], ['debug', 'all']);
  clock.advance(1);
  assert.deepEqual([log.level, accessLog.mode], ['info', 'errors']);
});

test('a change for good ends one for a time', () => {
  const { clock, log, set } = parts();
  set('level=debug&for=60');
  set('level=warn');
  clock.advance(120_000);
  assert.equal(log.level, 'warn');
});

test('what is no level, no mode, no time or nothing at all is refused, and changes nothing', () => {
  const { log, accessLog, told, set } = parts();
  for (const query of [
    '',
    'for=60',
    'level=trace',
    'access=some',
    'level=debug&access=some',
    'level=debug&for=0',
    'level=debug&for=-1',
    'level=debug&for=86401',
    'level=debug&for=soon',
  ]) {
    const { status, body } = set(query);
    assert.equal(status, 400, query);
    assert.match(body, /^weft: (say|level must|access must|for must)/, query);
  }
  assert.deepEqual([log.level, accessLog.mode, told], ['info', 'errors', []]);
});
