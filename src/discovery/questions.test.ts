import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AnswerWriter } from './answer-writer.ts';
import type { AnswerSink, QuestionHandler } from './client.interface.ts';
import { OpenQuestions } from './open-questions.ts';
import { type AskMessage, MAX_QUESTIONS, type ServerMessage } from './protocol.ts';
import { readProxyMessage } from './proxy-message.ts';
import type { AskableProxy, QuestionListener } from './server.interface.ts';
import { RawProxy } from './testing/raw-proxy.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { SecureMesh } from './testing/secure-mesh.ts';
import { shopYaml, TestMesh } from './testing/stream-suite.ts';

/** Hears one answer, and lets tests wait for what they expect. */
class Heard implements QuestionListener {
  readonly items: unknown[] = [];
  left = 0;
  ended: string | undefined;
  #check: () => void = () => {};

  said(items: readonly unknown[], left: number): void {
    this.items.push(...items);
    this.left += left;
    this.#check();
  }

  done(error?: string): void {
    this.ended = error ?? 'done';
    this.#check();
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const alive = setInterval(() => {}, 1000);
      this.#check = () => {
        if (!holds()) return;
        clearInterval(alive);
        resolve();
      };
      this.#check();
    });
  }
}

class Handler implements QuestionHandler {
  readonly kinds = ['tap'];
  readonly asked: { message: AskMessage; sink: AnswerSink }[] = [];
  readonly unasked: number[] = [];
  overs = 0;
  onChange: () => void = () => {};

  ask(message: AskMessage, sink: AnswerSink): void {
    this.asked.push({ message, sink });
    this.onChange();
  }
  unask(id: number): void {
    this.unasked.push(id);
    this.onChange();
  }
  over(): void {
    this.overs++;
    this.onChange();
  }
  until(holds: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const alive = setInterval(() => {}, 1000);
      this.onChange = () => {
        if (!holds()) return;
        clearInterval(alive);
        resolve();
      };
      this.onChange();
    });
  }
}

async function connected(
  context: TestContext,
  secure: SecureMesh,
  connect: () => void,
): Promise<AskableProxy> {
  const proxy = new Promise<AskableProxy>(resolve => {
    context.after(secure.server.onProxy(resolve));
  });
  connect();
  return proxy;
}

test('a question goes to the proxy over its stream, and what it says comes back until it is done', async context => {
  const secure = await SecureMesh.start(context, new TestMesh(shopYaml));
  const handler = new Handler();
  const proxy = await connected(context, secure, () =>
    secure.client(context, new RecordingSink(), undefined, {}, handler),
  );
  assert.deepEqual(
    secure.server.proxies().map(({ pod, proxyVersion }) => [pod, proxyVersion]),
    [['shop/front-0', 'test']],
  );
  const heard = new Heard();
  proxy.ask({ kind: 'tap', path: '/a' }, heard);
  await handler.until(() => handler.asked.length === 1);
  const { message, sink } = handler.asked[0]!;
  assert.deepEqual(message.question, { kind: 'tap', path: '/a' });
  sink.said(['{"n":1}', '{"n":2}'], 0);
  sink.said([], 5);
  sink.done();
  await heard.until(() => heard.ended !== undefined);
  assert.deepEqual([heard.items, heard.left, heard.ended], [[{ n: 1 }, { n: 2 }], 5, 'done']);
});

test('a question that is given up is taken back, and one whose proxy goes is over with the reason', async context => {
  const secure = await SecureMesh.start(context, new TestMesh(shopYaml));
  const handler = new Handler();
  const sink = new RecordingSink();
  const proxy = await connected(context, secure, () => {
    const client = secure.client(context, sink, undefined, {}, handler);
    context.after(() => client.close());
  });
  const [first, second] = [new Heard(), new Heard()];
  const cancel = proxy.ask({ kind: 'tap' }, first);
  proxy.ask({ kind: 'tap' }, second);
  cancel();
  await handler.until(() => handler.unasked.length === 1);
  assert.equal(handler.unasked[0], handler.asked[0]!.message.id);
  secure.stop.abort();
  await second.until(() => second.ended !== undefined);
  assert.match(second.ended!, /no longer connected/);
  await handler.until(() => handler.overs === 1);
  assert.equal(first.ended, undefined);
  const late = new Heard();
  proxy.ask({ kind: 'tap' }, late);
  assert.match(late.ended!, /no longer connected/);
});

test('a proxy of a version before questions is named as too old, and is sent nothing', async context => {
  const secure = await SecureMesh.start(context, new TestMesh(shopYaml));
  const old = await RawProxy.greeted(context, secure);
  await old.resource('inbound');
  const [proxy] = secure.server.proxies();
  const heard = new Heard();
  proxy!.ask({ kind: 'tap' }, heard);
  assert.match(heard.ended!, /too old for 'tap'; restart its pod/);
});

test('a proxy that says more than its share is read more slowly, and none of it is lost', async context => {
  const secure = await SecureMesh.start(context, new TestMesh(shopYaml), {
    limits: { answerBytesPerSecond: 1_000 },
  });
  const raw = await RawProxy.connect(
    context,
    secure,
    secure.issue('spiffe://cluster.local/ns/shop/sa/front'),
  );
  const proxy = await connected(context, secure, () =>
    raw.send({ type: 'hello', namespace: 'shop', pod: 'front-0', proxyVersion: 'raw', answers: ['tap'] }),
  );
  const heard = new Heard();
  proxy.ask({ kind: 'tap' }, heard);
  const { id } = await raw.next('ask');
  // The third waits for what the second has cost beyond the burst.
  for (const length of [5_200, 5_200, 1]) raw.send({ type: 'said', id, items: ['x'.repeat(length)] });
  raw.send({ type: 'done', id });
  const begun = performance.now();
  await heard.until(() => heard.ended !== undefined);
  assert.equal(heard.items.length, 3);
  assert.ok(performance.now() - begun > 300, 'it was slowed down');
});

test('answers that no question waits for are passed over, malformed ones end the stream', async context => {
  const secure = await SecureMesh.start(context, new TestMesh(shopYaml));
  const raw = await RawProxy.greeted(context, secure);
  await raw.resource('inbound');
  raw.send({ type: 'said', id: 4, items: [1] });
  raw.send({ type: 'done', id: 4 });
  raw.send({ type: 'subscribe', keys: ['10.96.0.5:80'] });
  await raw.resource('destination');
  raw.write('{"type":"said","id":1,"items":"all"}\n');
  assert.equal((await raw.next('error')).code, 'message-malformed');
});

test('answers of proxies are checked before anybody hears them', () => {
  const read = (message: object): boolean => {
    const found = readProxyMessage(JSON.stringify(message));
    return found !== undefined && 'type' in found;
  };
  assert.ok(read({ type: 'said', id: 1, items: [], left: 2 }));
  assert.ok(!read({ type: 'said', id: 1, items: [], left: -1 }));
  assert.ok(!read({ type: 'said', id: 1, items: Array.from({ length: 1001 }, () => 0) }));
  assert.ok(read({ type: 'done', id: 1, error: 'no' }));
  assert.ok(!read({ type: 'done', id: 1, error: 'x'.repeat(2000) }));
  const hello = { type: 'hello', proxyVersion: '1', namespace: 'a', pod: 'b' };
  assert.ok(read(hello));
  assert.ok(read({ ...hello, answers: ['tap'] }));
  assert.ok(!read({ ...hello, answers: [''] }));
});

test('questions to one proxy are bounded, and each that ends makes room', () => {
  const sent: ServerMessage[] = [];
  const questions = new OpenQuestions(['tap'], message => sent.push(message));
  const cancels = Array.from({ length: MAX_QUESTIONS }, () => questions.ask({ kind: 'tap' }, new Heard()));
  const refused = new Heard();
  questions.ask({ kind: 'tap' }, refused);
  assert.match(refused.ended!, /no more are let in/);
  cancels[0]!();
  cancels[0]!();
  const taken = new Heard();
  questions.ask({ kind: 'tap' }, taken);
  assert.equal(taken.ended, undefined);
  assert.equal(sent.filter(({ type }) => type === 'unask').length, 1);
});

test('to a control plane that does not read nothing more is said; what was left out is told when it reads again', () => {
  const written: string[] = [];
  const socket = {
    writable: true,
    writableLength: 0,
    write: (text: string) => written.push(text) > 0,
  };
  const writer = new AnswerWriter(3, socket);
  writer.said(['1'], 0);
  socket.writableLength = 1 << 20;
  writer.said(['2', '3'], 1);
  writer.said(['4'], 0);
  socket.writableLength = 0;
  writer.said(['5'], 0);
  writer.done('no "more"');
  socket.writable = false;
  writer.done();
  assert.deepEqual(
    written.map(text => JSON.parse(text)),
    [
      { type: 'said', id: 3, items: [1] },
      { type: 'said', id: 3, left: 4, items: [5] },
      { type: 'done', id: 3, error: 'no "more"' },
    ],
  );
});
