// The attacks of HTTP/1 where one side speaks HTTP/2: what two readers could take for different things must not be made into
// streams, nor into an answer of one. Attacks in frames: src/http2/attacks.test.ts and src/proxy/http2-attacks.test.ts.
import assert from 'node:assert/strict';
import { type ClientHttp2Stream, constants } from 'node:http2';
import { after, afterEach, before, describe, test } from 'node:test';
import { RawBackend, RawClient } from '../../src/http1/testing/raw-peers.ts';
import { PairProxy } from '../../src/http2/testing/pair-proxy.ts';
import { H2cClient, type H2cServer, h2cServer } from '../../src/proxy/testing/http2-peers.ts';
import { answerAttacks, harmlessRequests, requestAttacks } from './http1.ts';

/** A refusal that does not come must fail the test, not hold up the run. */
const timeout = 5000;

describe('a client of HTTP/1 and an upstream of HTTP/2', () => {
  /** What the upstream heard: `GET /`, its fields, and its body. */
  let heard: string[];
  /** Requests that the upstream took for complete. */
  let complete: number;
  let upstream: H2cServer;
  let proxy: PairProxy;
  const next = async (): Promise<void> => {
    const client = await RawClient.connect(proxy.port);
    await client.exchange('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    client.destroy();
  };

  before(async () => {
    upstream = await h2cServer((request, response) => {
      heard.push(`${request.method} ${request.url}`, ...request.rawHeaders);
      request.setEncoding('latin1');
      request.on('data', (piece: string) => heard.push(piece));
      request.on('end', () => {
        if (request.aborted) return;
        complete++;
        response.end('ok');
      });
      request.on('error', () => {});
    });
    proxy = new PairProxy({ upstreamPort: upstream.port, down: 1, up: 2 });
    // From here on there is one connection to the upstream.
    heard = [];
    await next();
  });
  after(() => {
    proxy.close();
    upstream.close();
  });

  for (const attack of requestAttacks)
    test(`refuses ${attack.name} (${attack.source}) and opens no stream for it`, { timeout }, async () => {
      heard = [];
      complete = 0;
      const faultsBefore = proxy.faults.length;
      const client = await RawClient.connect(proxy.port);
      client.send(attack.bytes);
      const answer = await client.untilEnd();
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${attack.status} `));
      assert.match(answer, new RegExp(`\\(weft: ${attack.fault}\\)`));
      assert.deepEqual(proxy.faults.slice(faultsBefore), [attack.fault]);
      // On the same connection to the upstream: whatever was sent before it has come.
      await next();
      const said = heard.join('\n');
      assert.doesNotMatch(said, /smuggled/i);
      assert.equal(complete, 1, said);
      if (attack.inBody !== true) assert.match(said, /^GET \/next/);
    });

  for (const { name, bytes, upstream: inHttp1, source } of harmlessRequests) {
    // Servers of HTTP/2 take no request without a host (RFC 9113 section 8.3.1), and this one no upgrades.
    if (!/\nhost: *[^ \r]/i.test(bytes) || /\nupgrade:/i.test(inHttp1)) continue;
    test(`${name} (${source})`, { timeout }, async () => {
      heard = [];
      complete = 0;
      const client = await RawClient.connect(proxy.port);
      client.send(bytes);
      await client.until(text => text.startsWith('HTTP/1.1 200 '));
      client.destroy();
      assert.equal(complete, 1);
      // The host of an absolute target is in `:authority`.
      assert.equal(heard[0], inHttp1.slice(0, inHttp1.indexOf(' HTTP/1.1')).replace('http://a:80', ''));
    });
  }
});

interface Seen {
  /** 0 without an answer. */
  readonly status: number;
  /** Heads, body and trailers. */
  readonly text: string;
  /** How the stream ended. */
  readonly code: number;
}

/** All that a client reads of an answer, whether or not it comes to its end. */
function read(stream: ClientHttp2Stream): Promise<Seen> {
  return new Promise(resolve => {
    const pieces: string[] = [];
    let status = 0;
    stream.on('headers', fields => pieces.push(JSON.stringify(fields)));
    stream.on('response', fields => {
      status = Number(fields[':status']);
      pieces.push(JSON.stringify(fields));
    });
    stream.on('trailers', fields => pieces.push(JSON.stringify(fields)));
    stream.setEncoding('latin1');
    stream.on('data', (piece: string) => pieces.push(piece));
    stream.on('close', () => resolve({ status, text: pieces.join('\n'), code: stream.rstCode }));
  });
}

describe('a client of HTTP/2 and an upstream of HTTP/1', () => {
  let backend: RawBackend;
  let proxy: PairProxy;
  let client: H2cClient;

  before(async () => {
    backend = await RawBackend.listen();
    proxy = new PairProxy({ upstreamPort: backend.port, down: 2, up: 1 });
    client = new H2cClient(proxy.port);
  });
  afterEach(() => backend.drop());
  after(async () => {
    client.close();
    proxy.close();
    await backend.close();
  });

  for (const attack of answerAttacks) {
    // HTTP/2 has no Upgrade but that to a WebSocket.
    if (attack.request?.includes('Upgrade:')) continue;
    test(`does not pass on ${attack.name} in an answer (${attack.source})`, { timeout }, async () => {
      backend.reset(attack.bytes);
      const failuresBefore = proxy.failures.length;
      const method = attack.request?.split(' ')[0] ?? 'GET';
      const { status, text, code } = await read(
        client.open({ ':method': method, ':authority': 'a', ':path': '/' }),
      );
      assert.doesNotMatch(text, /smuggled/);
      if (attack.status === 0) assert.notEqual(code, constants.NGHTTP2_NO_ERROR, 'taken for complete');
      else assert.deepEqual([status, code], [attack.status, constants.NGHTTP2_NO_ERROR]);
      const failures = proxy.failures.slice(failuresBefore);
      assert.equal(failures.length, attack.words === '' ? 0 : 1);
      if (attack.words !== '') {
        assert.equal(failures[0]!.flag, 'UPE');
        assert.ok(failures[0]!.detail.includes(attack.words), failures[0]!.detail);
      }
      // Nor is anything of it in the next answer to this client.
      backend.reset();
      assert.match((await read(client.open({ ':authority': 'a', ':path': '/' }))).text, /\nok$/);
    });
  }
});
