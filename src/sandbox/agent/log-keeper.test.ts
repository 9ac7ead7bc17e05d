import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { trimLogs } from './log-keeper.ts';

test('a large log keeps its end, and whoever writes to it goes on behind that', context => {
  const logs = mkdtempSync(join(tmpdir(), 'weft-logs-'));
  context.after(() => rmSync(logs, { recursive: true }));
  const pod = join(logs, 'shop/web-1');
  mkdirSync(pod, { recursive: true });
  const path = join(pod, 'app.0.log');
  const writer = openSync(path, 'a');
  for (let line = 0; line < 1000; line++) writeSync(writer, `line ${line}\n`);
  trimLogs(logs, () => true, { fileBytes: 1000, keptBytes: 100, pods: 10 });
  writeSync(writer, 'afterwards\n');
  closeSync(writer);
  const text = readFileSync(path, 'utf8');
  assert.ok(text.length < 300, text);
  assert.match(text, /^\[weft sandbox: .* cut.*\n[\s\S]*line 999\nafterwards\n$/);
});

test('logs of pods that are gone are removed from the oldest on, never those of live ones', context => {
  const logs = mkdtempSync(join(tmpdir(), 'weft-logs-'));
  context.after(() => rmSync(logs, { recursive: true }));
  for (const [index, name] of ['live', 'old', 'older', 'new'].entries()) {
    const folder = join(logs, 'shop', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'app.0.log'), 'x');
    appendFileSync(join(folder, 'app.0.log'), 'y');
    const seconds = [1, 3, 2, 4][index]!;
    utimesSync(folder, seconds, seconds);
  }
  trimLogs(logs, pod => pod === 'shop/live', { fileBytes: 1000, keptBytes: 100, pods: 2 });
  const left = ['live', 'old', 'older', 'new'].filter(name => existsSync(join(logs, 'shop', name)));
  assert.deepEqual(left, ['live', 'new']);
});
