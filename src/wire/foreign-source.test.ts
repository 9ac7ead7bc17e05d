import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFrom } from './foreign-source.ts';
import { errorName, type NativeTcp } from './native.ts';

/** What the kernel, or the lack of a right, says; no socket is left open. */
function outcome(address: string): string {
  const handle = { open: () => assert.fail('it was bound') } as unknown as NativeTcp;
  return errorName(openFrom(handle, address, 0));
}

test('what is no address literal is refused and never bound', () => {
  const bad = [
    '10.0.0',
    '10.0.0.256',
    'a.b.c.d',
    '1.2.3.4.5',
    '1::2::3',
    ':::',
    '1:2:3',
    '12345::',
    'fe80::1%eth0',
    '',
  ];
  // Without the right to use others' addresses that is said first.
  for (const address of bad) assert.match(outcome(address), /^(EINVAL|EPERM)$/, address);
});
