import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { LoopProxy } from '../../src/http1/testing/loop-proxy.ts';
import { RawBackend, RawClient } from '../../src/http1/testing/raw-peers.ts';
import { RecordingServer } from '../../src/http1/testing/recording-server.ts';
import { answerAttacks, harmlessRequests, requestAttacks } from './http1.ts';

/** A refusal that does not come must fail the test, not hold up the run. */
const timeout = 2000;
let backend: RawBackend;
let proxy: LoopProxy;

before(async () => {
  backend = await RawBackend.listen();
  proxy = new LoopProxy({ upstreamPort: backend.port, lingerMs: 100 });
});
afterEach(() => proxy.destroyConnections());
after(async () => {
  proxy.close();
  await backend.close();
});

for (const attack of requestAttacks) {
  test(`refuses ${attack.name} (${attack.source}) and forwards nothing of it`, { timeout }, async () => {
    backend.reset();
    const faultsBefore = proxy.faults.length;
    const client = await RawClient.connect(proxy.port);
    client.send(attack.bytes);
    const answer = await client.untilEnd();
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${attack.status} `));
    assert.match(answer, new RegExp(`\\(weft: ${attack.fault}\\)`));
    assert.match(answer, /\r\nconnection: close\r\n/);
    assert.deepEqual(proxy.faults.slice(faultsBefore), [attack.fault]);
    await proxy.until(() => proxy.downstream.size === 0 && proxy.upstream.size === 0);
    if (attack.inBody) {
      assert.doesNotMatch(backend.text, /smuggled/i);
      assert.ok(!backend.text.endsWith('0\r\n\r\n'), 'the upstream took the request for complete');
    } else assert.equal(backend.text, '');
  });

  test(`refuses ${attack.name} in the same way byte by byte, and after a good request`, () => {
    const server = new RecordingServer();
    server.peer.send('GET /good HTTP/1.1\r\nHost: a\r\n\r\n');
    const good = server.peer.take();
    assert.match(good, /^HTTP\/1\.1 200 /);
    for (const char of attack.bytes) server.peer.send(char);
    // A head is looked at when it ends or when it has doubled.
    if (server.faults.length === 0) server.peer.send('x'.repeat(attack.bytes.length));
    assert.deepEqual(server.faults, [attack.fault]);
    assert.match(server.peer.text, new RegExp(`^HTTP/1\\.1 ${attack.status} `));
    assert.ok(server.peer.ended);
    assert.equal(server.requests.length, attack.inBody ? 2 : 1);
  });
}

for (const { name, bytes, upstream, source } of harmlessRequests) {
  test(`${name} (${source})`, { timeout }, async () => {
    backend.reset();
    const client = await RawClient.connect(proxy.port);
    client.send(bytes);
    await backend.until(() => backend.text.length >= upstream.length);
    assert.equal(backend.text, upstream);
    client.destroy();
    await proxy.until(() => proxy.downstream.size === 0);
  });
}

for (const attack of answerAttacks) {
  test(`does not pass on ${attack.name} in an answer (${attack.source})`, { timeout }, async () => {
    backend.reset(attack.bytes);
    const failuresBefore = proxy.failures.length;
    const client = await RawClient.connect(proxy.port);
    client.send(attack.request ?? 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    if (attack.status === 0) {
      const answer = await client.untilEnd();
      assert.doesNotMatch(answer, /0\r\n\r\n$/, 'the client took the answer for complete');
    } else await client.until(text => text.split('\r\n\r\n').length > 1);
    await proxy.until(() => proxy.upstream.size === 0);
    client.destroy();
    await proxy.until(() => proxy.downstream.size === 0);
    if (attack.status > 0)
      assert.match(
        client.text,
        new RegExp(`^(HTTP/1\\.1 1\\d\\d .*\\r\\n\\r\\n)*HTTP/1\\.1 ${attack.status} `),
      );
    assert.doesNotMatch(client.text, /smuggled/);
    const failures = proxy.failures.slice(failuresBefore);
    assert.equal(failures.length, attack.words === '' ? 0 : 1);
    if (attack.words !== '') {
      assert.equal(failures[0]!.flag, 'UPE');
      assert.ok(failures[0]!.detail.includes(attack.words), failures[0]!.detail);
    }
  });
}
