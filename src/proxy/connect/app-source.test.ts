import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppSources } from './app-source.ts';

const own = new Set(['10.0.0.5', 'fd00::5']);

test('an app that is to see its clients is called from their addresses, but never from its own pod’s', () => {
  const kept = new AppSources(true, own);
  const caller = (client: string, app: string): string => kept.callerOf(client, app);
  assert.equal(caller('10.0.0.9', '10.0.0.5'), '10.0.0.9');
  assert.equal(caller('fd00::9', 'fd00::5'), 'fd00::9');
  for (const client of ['10.0.0.5', '127.0.0.1', '127.0.0.6', ''])
    assert.equal(caller(client, '10.0.0.5'), '');
  for (const client of ['fd00::5', '::1', '10.0.0.9']) assert.equal(caller(client, 'fd00::5'), '');
  // An address that it got later is told by being called.
  assert.equal(caller('10.0.0.6', '10.0.0.6'), '');
  assert.deepEqual(kept.of('10.0.0.9', 41_000, '10.0.0.5'), {
    localAddress: '10.0.0.9',
    foreignPort: 41_000,
  });
  assert.deepEqual(kept.of('', 41_000, '10.0.0.5'), { localAddress: '127.0.0.6' });
});

test('elsewhere it is called from the address that packet rules let through, and without rules from any', () => {
  const replaced = new AppSources(true, undefined);
  assert.equal(replaced.callerOf('10.0.0.9', '10.0.0.5'), '');
  assert.deepEqual(replaced.of('', 0, 'fd00::5'), { localAddress: '::6' });
  const named = new AppSources(false, own);
  assert.equal(named.callerOf('10.0.0.9', '10.0.0.5'), '');
  assert.deepEqual(named.of('', 0, '10.0.0.5'), { localAddress: '' });
});
