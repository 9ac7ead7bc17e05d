// MariaDB behind a proxy that keeps its clients' addresses: grants by address mean what they say, over mutual TLS too.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { cannotRun } from '../../src/redirect/testing/namespace.ts';
import { Place, POD, SERVICE } from './place.ts';
import { SERVERS } from './servers.ts';

const mariadb = SERVERS.find(({ kind }) => kind === 'mariadb')!;
const meshed = '10.77.0.1';

for (const declared of [false, true])
  describe(`grants by a client's address, on a port that is ${declared ? '' : 'not '}declared TCP`, {
    skip: cannotRun() || mariadb.missing(),
    timeout: 120_000,
  }, () => {
    const place = new Place('keep', meshed);

    before(async () => {
      await place.start([mariadb.port], declared);
      await mariadb.start(place);
    });
    after(() => place[Symbol.asyncDispose]());

    test('whom they name gets in from the mesh, and whom they do not name is told by its own address', async () => {
      const [inside, outside] = await Promise.all([
        place.calls(place.meshed, 'mariadb', SERVICE, mariadb.port, 100),
        place.calls(place.outside, 'mariadb', POD, mariadb.port, 20),
      ]);
      assert.deepEqual(inside, { good: 100, failures: {} });
      assert.equal(outside.good, 0);
      for (const why of Object.keys(outside.failures)) assert.match(why, /^error 1130 .*'10\.79\.0\.1'/);
    });
  });
