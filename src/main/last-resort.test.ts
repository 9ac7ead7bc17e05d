import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { onInternalError } from '../errors/index.ts';
import { KeptLog } from '../proxy/testing/static-mesh.ts';
import { Exposition, renderInternalErrors } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import { installLastResort } from './last-resort.ts';

test('an error that nobody caught ends a process that is starting, and none that carries traffic', t => {
  t.after(() => onInternalError(undefined));
  const source = new EventEmitter();
  const log = new KeptLog();
  const exits: number[] = [];
  const started = installLastResort(log, new FakeClock(), source, code => exits.push(code));
  source.emit('uncaughtException', new Error('half a configuration'));
  assert.deepEqual(exits, [1]);
  started();
  source.emit('uncaughtException', new TypeError('cannot read properties of undefined'));
  source.emit('unhandledRejection', 'no error at all');
  assert.deepEqual(exits, [1]);
  const [, second, third] = log.lines;
  assert.equal(second!.level, 'error');
  assert.match((second!.fields as { stack: string }).stack, /last-resort\.test\.ts/);
  assert.match(third!.message, /no error at all$/);
  const out = new Exposition();
  renderInternalErrors(out);
  const text = out.take();
  assert.match(text, /weft_internal_errors_total\{where="process"\} 2\n/);
  assert.match(text, /weft_internal_errors_total\{where="promise"\} 1\n/);
});

test('a flood of errors is counted and not logged, but for one a second', async t => {
  t.after(() => onInternalError(undefined));
  const clock = new FakeClock();
  const source = new EventEmitter();
  const log = new KeptLog();
  installLastResort(log, clock, source, () => {})();
  for (let i = 0; i < 1_000; i++) source.emit('unhandledRejection', new Error(`no ${i}`));
  const { length } = log.lines;
  assert.ok(length <= 12, `${length} lines`);
  await clock.advance(1_000);
  source.emit('unhandledRejection', new Error('later'));
  assert.equal(log.lines.length, length + 1);
});
