import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withGroup, withUser } from './accounts.ts';

const passwd = 'root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin';

test('a user whom the machine does not know gets an entry with its home', () => {
  assert.equal(
    withUser(passwd, { uid: 10_001, gid: 7, home: '/data' }),
    `${passwd}\nuser-10001:x:10001:7::/data:/bin/sh\n`,
  );
  assert.match(withUser(passwd, { uid: 5, gid: 5 })!, /\nuser-5:x:5:5::\/:\/bin\/sh\n$/);
  assert.equal(withGroup('root:x:0:\n', 7), 'root:x:0:\ngroup-7:x:7:\n');
});

test('who is known already is left alone', () => {
  assert.equal(withUser(passwd, { uid: 33, gid: 1 }), undefined);
  assert.equal(withGroup('a:x:7:', 7), undefined);
});

test('a home that would break the file is not written into it', () => {
  for (const home of ['/a:0:0', '/a\nroot2:x:0:0::/:/bin/sh'])
    assert.match(withUser('', { uid: 5, gid: 5, home })!, /^user-5:x:5:5::\/:\/bin\/sh\n$/);
});
