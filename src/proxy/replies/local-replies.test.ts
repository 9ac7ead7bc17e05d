import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { localReplyBytes } from '../../http1/index.ts';
import { requestHead } from '../../http1/testing/heads.ts';
import type { RateLimit } from '../../model/index.ts';
import { ExchangeRig } from '../testing/exchange-rig.ts';
import { RouteRig } from '../testing/route-rig.ts';
import { inItsProtocol, localReply } from './local-replies.ts';

const call = (contentType: string): string =>
  `POST /shop.Cart/Add HTTP/1.1\r\nhost: a\r\ncontent-type: ${contentType}\r\ncontent-length: 0\r\n\r\n`;

test('nobody but a codec writes HTTP', () => {
  const room = join(import.meta.dirname, '../../');
  const files = globSync('{proxy,routing,cluster,http}/**/*.ts', { cwd: room }).filter(
    // The preface of HTTP/2 is looked for there, not written; and the PROXY protocol is none of HTTP.
    file => !/\.test\.ts$|\/testing\/|\/sniff\.ts$|\/proxy-header\.ts$/.test(file),
  );
  assert.ok(files.length > 80, `${files.length} files`);
  const found = files.filter(file => /\\r\\n|HTTP\/1\.1 \d/.test(readFileSync(join(room, file), 'utf8')));
  assert.deepEqual(found, [], 'say it with fields (http/local-reply.ts), and let http1/ write them');
});

test('an answer to what is no request says x-weft-flag, as every answer of Weft does', async () => {
  const rig = new ExchangeRig();
  for (const bytes of [
    'GET  / HTTP/1.1\r\n\r\n',
    'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nx\r\n',
  ]) {
    const client = rig.client();
    client.peer.send(bytes);
    await rig.settle();
    assert.match(client.peer.text, /^HTTP\/1\.1 400 Bad Request\r\nx-weft-flag: DPE\r\n/);
  }
});

test('a gRPC call that fails gets its status where gRPC looks for it, and is counted as what it is', async () => {
  const limit: RateLimit = {
    matches: [],
    bucket: { maxTokens: 1, perFill: 1, fillIntervalMs: 60_000 },
    enabledPercent: 100,
    enforcedPercent: 100,
    status: 429,
  };
  const rig = new RouteRig([{ rateLimits: [limit], fault: { abort: { percent: 100, status: 503 } } }]);
  const answers: string[] = [];
  for (let i = 0; i < 2; i++) {
    const client = rig.client();
    client.peer.send(call('application/grpc+proto'));
    await rig.settle();
    answers.push(client.peer.text);
  }
  for (const answer of answers)
    assert.match(
      answer,
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*content-type: application\/grpc\r\ncontent-length: 0\r\n\r\n$/,
    );
  assert.match(
    answers[0]!,
    /\r\ngrpc-status: 14\r\ngrpc-message: weft: a failure was [^\r]* on 100 %25 of[^\r]*\r\nx-weft-flag: FI\r\n/,
  );
  assert.match(
    answers[1]!,
    /\r\ngrpc-status: 8\r\ngrpc-message: weft: a local rate limit [^\r]*\r\nx-weft-flag: RL\r\n[\s\S]*retry-after: 60/,
  );
  assert.deepEqual(rig.outcomes(), ['503 FI', '429 RL']);
});

test("what is no gRPC call gets its answer as ever, and so does the caller's proxy", () => {
  const reply = localReply('UH', 'none of 3');
  for (const type of ['application/grpc-web', 'application/json', 'text/grpc', 'application/grpcx'])
    assert.equal(inItsProtocol(requestHead(call(type)), reply), reply, type);
  for (const type of ['application/grpc', 'Application/gRPC', 'application/grpc;x=y'])
    assert.equal(inItsProtocol(requestHead(call(type)), reply).status, 200, type);
  const untouched = localReply('UF', 'refused', { untouched: true });
  assert.equal(inItsProtocol(requestHead(call('application/grpc')), untouched), untouched);
  const message = inItsProtocol(requestHead(call('application/grpc')), localReply('NR', 'né %'));
  assert.match(
    localReplyBytes(message).toString('latin1'),
    /grpc-status: 12\r\ngrpc-message: weft: [^\r]*: n%C3%A9 %25 \(NR\)\r\n/,
  );
});
