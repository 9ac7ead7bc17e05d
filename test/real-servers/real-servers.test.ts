// Real servers that speak first, in a mesh that takes plaintext too: called from inside and outside of the mesh by turns, and
// probed all the while. No connection may fail, and MariaDB must not block anybody. `CALLS=2000` for more of each.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { cannotRun } from '../../src/redirect/testing/namespace.ts';
import { Place, POD, SERVICE } from './place.ts';
import { SERVERS } from './servers.ts';

const calls = Number(process.env.CALLS ?? 100);
const rounds = 3;
const present = SERVERS.filter(each => each.missing() === false);
const skip = cannotRun() || (present.length === 0 && 'needs one of mariadbd, sshd and nats-server on PATH');

for (const declared of [false, true])
  describe(`servers that speak first, on ports that are ${declared ? '' : 'not '}declared TCP`, {
    skip,
    timeout: 300_000,
  }, () => {
    const place = new Place();

    before(async () => {
      await place.start(
        present.map(each => each.port),
        declared,
      );
      for (const each of present) await each.start(place);
    });
    after(() => place[Symbol.asyncDispose]());

    for (const server of SERVERS) {
      test(`${server.kind}: no connection fails, from inside and outside of the mesh, beside tcp probes`, {
        skip: server.missing(),
      }, async t => {
        const { kind, port } = server;
        const failures: Record<string, number> = {};
        let good = 0;
        let probes = 0;
        for (let round = 0; round < rounds; round++) {
          let over = false;
          const probing = (async () => {
            for (; !over; probes++) {
              const url = `http://${POD}:15020/app-health/${port}/livez`;
              const script = `const { status } = await fetch('${url}'); console.log(status)`;
              const { stdout } = await place.outside.run(process.execPath, [
                '--input-type=module',
                '-e',
                script,
              ]);
              assert.equal(stdout.trim(), '200');
            }
          })();
          const outcomes = await Promise.all([
            place.calls(place.meshed, kind, SERVICE, port, calls),
            place.calls(place.outside, kind, POD, port, calls),
          ]);
          over = true;
          await probing;
          for (const [index, outcome] of outcomes.entries()) {
            good += outcome.good;
            for (const [why, count] of Object.entries(outcome.failures)) {
              const who = `${index === 0 ? 'meshed' : 'outside'}: ${why}`;
              failures[who] = (failures[who] ?? 0) + count;
            }
          }
        }
        if (Object.keys(failures).length > 0) for (const line of place.lines.slice(-60)) t.diagnostic(line);
        t.diagnostic(`${kind}: ${good} connections, ${probes} probes`);
        assert.deepEqual({ good, failures }, { good: 2 * rounds * calls, failures: {} });
        assert.ok(probes >= rounds);
      });
    }
  });
