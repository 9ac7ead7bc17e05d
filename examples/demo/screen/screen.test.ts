import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../metrics/rows.ts';
import { Screen } from './screen.ts';
import { renderTable } from './table.ts';

const row = (kind: Row['kind'], name: string, more: Partial<Row> = {}): Row => ({
  kind,
  name,
  ready: [1, 1],
  perSecond: 123.4,
  unit: 'requests',
  success: 1,
  p50: 1.24,
  p95: 12.5,
  p99: 250.2,
  mtls: 1,
  retries: 0,
  ejectedNow: 0,
  ejections: 0,
  ...more,
});
const room = { columns: 80, lines: 50, color: false };
const plain = (line: string) => line.replace(/\x1b\[[0-9;?]*[a-zA-Z]/g, '');

test('fits 80 columns and shows every figure', () => {
  const long = 'reviews-v2-7d9f8b6c5d-abcde-and-more';
  const lines = renderTable(
    [
      row('workload', 'reviews-v2', { ready: [1, 2], success: 0.99961, retries: 7 }),
      row('pod', long, { mtls: 0.5, ejectedNow: 1, ejections: 3, perSecond: 4.2, unit: 'connections' }),
      row('pod', 'idle', { perSecond: 0, success: undefined, p50: undefined, mtls: undefined }),
    ],
    room,
  );
  for (const line of lines) assert.ok(line.length <= 80, `${line.length}: ${line}`);
  assert.match(lines[0]!, /^workload \/ pod +req\/s +ok % +p50 +p95 +p99 +mTLS +retries +ejected$/);
  assert.match(lines[1]!, /^reviews-v2 1\/2 +123 +99\.9 +1\.2 +12\.5 +250 +100 +7 +0$/);
  assert.match(lines[2]!, /^ {2}…5d-abcde-and-more +4\.2 c +100 +1\.2 +12\.5 +250 +50\.0 +0 +1 of 3$/);
  assert.match(lines[3]!, /^ {2}idle +– +– +– +12\.5/);
});

test('shows long names whole where there is room', () => {
  const name = 'reviews-v2-7d9f8b6c5d-abcde';
  assert.match(renderTable([row('pod', name)], { ...room, columns: 120 })[1]!, new RegExp(`^ {2}${name} `));
});

test('leaves pods out where lines are few', () => {
  const rows = [row('workload', 'a'), row('pod', 'a-1'), row('workload', 'b'), row('pod', 'b-1')];
  assert.equal(renderTable(rows, { ...room, lines: 6 }).length, 5);
  assert.equal(renderTable(rows, { ...room, lines: 5 }).length, 3);
});

test('colours do not change the layout and mark what wants attention', () => {
  const rows = [row('workload', 'a', { success: 0.5 }), row('pod', 'a-1', { ejectedNow: 1, ejections: 1 })];
  const colored = renderTable(rows, { ...room, color: true });
  assert.deepEqual(colored.map(plain), renderTable(rows, room));
  assert.match(colored[1]!, /\x1b\[33m +50\.0\x1b\[0m/);
  assert.match(colored[2]!, /\x1b\[33m +1 of 1\x1b\[0m/);
});

function terminal(isTTY: boolean, columns = 100, rows = 3) {
  const written: string[] = [];
  const write = (text: string | Uint8Array) => written.push(String(text)) > 0;
  return { written, isTTY, columns, rows, write };
}

test('on a terminal each frame is one write in place, cut to its height, and closing restores it once', () => {
  const tty = terminal(true);
  const screen = new Screen(tty);
  screen.draw(['one', 'two', 'three', 'four'], 0);
  screen.draw(['five'], 1);
  screen.close();
  screen.close();
  assert.equal(tty.written.length, 3);
  assert.deepEqual(plain(tty.written[0]!).split('\r\n'), ['one', 'two', 'three']);
  assert.ok(tty.written[0]!.startsWith('\x1b[?1049h'));
  assert.ok(!tty.written[1]!.includes('\x1b[2J'), 'a later frame does not clear the screen');
  assert.ok(tty.written[2]!.endsWith('\x1b[?1049l'));
  assert.deepEqual(screen.room(), { columns: 100, lines: 3, color: !process.env.NO_COLOR });
});

test('where the output is no terminal it prints a frame every few seconds, without codes', () => {
  const pipe = terminal(false);
  const screen = new Screen(pipe, 5000);
  screen.draw(['a'], 0);
  screen.draw(['b'], 4999);
  screen.draw(['c'], 5000);
  screen.close();
  assert.deepEqual(pipe.written, ['a\n\n', 'c\n\n']);
  assert.deepEqual(screen.room(), { columns: 80, lines: 50, color: false });
});
