import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSchedule } from './cron-schedule.ts';

const cases: readonly [schedule: string, after: string, next: string | undefined][] = [
  ['* * * * *', '2026-01-01T00:00:30Z', '2026-01-01T00:01:00.000Z'],
  ['*/15 * * * *', '2026-01-01T00:15:00Z', '2026-01-01T00:30:00.000Z'],
  ['5 4 * * *', '2026-01-01T04:05:00Z', '2026-01-02T04:05:00.000Z'],
  ['0 0 * * mon-fri', '2026-01-02T12:00:00Z', '2026-01-05T00:00:00.000Z'],
  ['0 0 * * 7', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00.000Z'],
  ['0 0 13 * fri', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00.000Z'],
  ['0 0 29 feb *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ['@hourly', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00.000Z'],
  ['0 0 30 2 *', '2026-01-01T00:00:00Z', undefined],
];

for (const [schedule, after, next] of cases) {
  test(`after ${after} '${schedule}' is due ${next ?? 'never'}`, () => {
    const dueMs = parseSchedule(schedule)!.next(Date.parse(after));
    assert.equal(dueMs === undefined ? undefined : new Date(dueMs).toISOString(), next);
  });
}

test('what is no schedule is refused', () => {
  for (const text of ['', '* * * *', '60 * * * *', '* * * * 8', 'a * * * *', '5-1 * * * *', '*/0 * * * *']) {
    assert.equal(parseSchedule(text), undefined, text);
  }
});
