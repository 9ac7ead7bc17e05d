import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shaCrypt } from './sha-crypt.ts';

/** By crypt(3) of the C library. */
const hashes: readonly (readonly [password: string, hash: string])[] = [
  ['secret', '$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.'],
  ['', '$5$x$yHbtfs4Y8t6X1xcJemNX.4JQRfUTafA2qQenWGLBee2'],
  ['Hello world!', '$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'],
  [
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    '$5$rounds=1400$anotherlongsalt$GmZZ6SHZAqR4U/bMb9FDJdjg3UyB/V5CPrjERdd2KD5',
  ],
  [
    'pässwort',
    '$6$abcdefgh$KPzvtaVCdkta7IevnwwCK0Zj62t07TjhQ.i0Voa.xA7FN084DBKCZKCk9Gl1akvsq9do9TqCIZSrV.riZ3fK.1',
  ],
  ['', '$6$x$QSmr1Bx2g4O6BzKvdkgOcyU6H91X6I/XBv5pSalMhSPkwdH6Beo3F455xZJg0v//bxVK5F4OE5k1.0xuR26MK0'],
  [
    'Hello world!',
    '$6$rounds=1000$saltstring$Zu2Vknok2/f53APfN687ADnzeNBLcsEgTwvcBHMD2./07rZQAt8vsuKVufD15dyZh.LOLB/uZKf6I3GyON4bp/',
  ],
  [
    'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',
    '$6$rounds=1500$sixteencharsalt.$0zmMr9anb7DZsC/vkaYxchbxi9KfAEMddV140btSCgkbZ9hm1NtSEr3t9r.tYwBKXgdV87zWr0U7SY6I0tTzk1',
  ],
];

test('hashes of SHA-256 and SHA-512 are those of crypt(3)', async () => {
  for (const [password, hash] of hashes) assert.equal(await shaCrypt(password, hash), hash);
});

test('another password has another hash', async () => {
  for (const [password, hash] of hashes) assert.notEqual(await shaCrypt(`${password}x`, hash), hash);
});

test('what is no such hash has none, and neither has one of more rounds than a proxy has time for', async () => {
  assert.equal(await shaCrypt('a', '$2y$05$abc'), undefined);
  assert.equal(await shaCrypt('a', '$6$rounds=999999999$salt$x'), undefined);
});
