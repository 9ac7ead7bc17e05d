import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerSink } from '../discovery/index.ts';
import { type InternalError, onInternalError } from '../errors/index.ts';
import type { Resource } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import { Cores, type FromCore, mergeMetrics, type ToCore } from './index.ts';

/** Two other cores by hand. */
function setUp() {
  const told: ToCore[][] = [[], []];
  const hear: ((message: FromCore) => void)[] = [];
  const asked: string[] = [];
  const failed: string[] = [];
  const own: Resource[] = [];
  const sinks: AnswerSink[] = [];
  const cores = new Cores({
    ports: told.map(messages => ({
      postMessage: message => messages.push(message),
      on: (_event, heard) => hear.push(heard),
    })),
    own: resource => own.push(resource),
    questions: { kinds: ['tap'], ask: (_, sink) => sinks.push(sink), unask() {}, over() {} },
    source: () => ({ want: key => asked.push(`want ${key}`), forget: key => asked.push(`forget ${key}`) }),
    onFailed: (core, code) => failed.push(`${core} ${code}`),
  });
  const from = (core: number, message: FromCore): void => hear[core - 1]!(message);
  return { cores, told, from, asked, failed, own, sinks };
}

const destination: Resource = {
  kind: 'destination',
  key: 'a:80',
  found: 'service',
  host: 'a',
  port: 80,
  protocol: 'auto',
  routes: [],
  tcp: [],
  clusters: [{ name: 'a:80' } as never],
};
const endpoints: Resource = { kind: 'endpoints', key: 'a:80', endpoints: [], total: 0 };

test('what any core wants is asked for once, and forgotten with the last that wants it', () => {
  const { cores, from, asked } = setUp();
  cores.source.want('a:80');
  from(1, { type: 'want', key: 'a:80' });
  from(2, { type: 'want', key: 'b:80' });
  from(1, { type: 'forget', key: 'a:80' });
  from(1, { type: 'forget', key: 'a:80' });
  assert.deepEqual(asked, ['want a:80', 'want b:80']);
  cores.source.forget('a:80');
  assert.deepEqual(asked, ['want a:80', 'want b:80', 'forget a:80']);
});

test('a resource goes to those that want it, and to those that come later as well', () => {
  const { cores, told, from, own } = setUp();
  from(1, { type: 'want', key: 'a:80' });
  cores.apply(destination);
  cores.apply(endpoints);
  assert.deepEqual(told[0], [
    { type: 'apply', resource: destination },
    { type: 'apply', resource: endpoints },
  ]);
  told[1]!.length = 0;
  from(2, { type: 'want', key: 'a:80' });
  assert.deepEqual(told[1], told[0]);
  assert.deepEqual(own, []);
  cores.source.want('a:80');
  assert.deepEqual(own, [destination, endpoints]);
});

test('what only gateways want comes to a core that wants it later, too, and is forgotten with the last', () => {
  const { cores, told, from } = setUp();
  const key = 'certificate/shop/edge/shop/tls';
  const certificate: Resource = { kind: 'certificate', key, chain: 'chain', privateKey: 'key' };
  from(1, { type: 'want', key });
  cores.apply(certificate);
  from(2, { type: 'want', key });
  assert.deepEqual(told[1], [{ type: 'apply', resource: certificate }]);
  from(1, { type: 'forget', key });
  from(2, { type: 'forget', key });
  told[1]!.length = 0;
  from(2, { type: 'want', key });
  assert.deepEqual(told[1], [], 'no private key is kept that nobody uses');
});

test('every core learns where Services have their addresses', () => {
  const { cores, told } = setUp();
  const trust: Resource = { kind: 'trust', key: 'cluster.local', roots: [], serviceRanges: ['10.96.0.0/24'] };
  cores.apply(trust);
  assert.deepEqual(told, [[{ type: 'apply', resource: trust }], [{ type: 'apply', resource: trust }]]);
});

test('what is under way is added up, and a core that cannot go on is named', () => {
  const { cores, from, failed } = setUp();
  from(1, { type: 'under-way', underWay: { exchanges: 1, tunnels: 1, inbound: 2, outbound: 3 } });
  from(2, { type: 'under-way', underWay: { exchanges: 10, tunnels: 0, inbound: 0, outbound: 1 } });
  assert.deepEqual(cores.underWay, { exchanges: 11, tunnels: 1, inbound: 2, outbound: 4 });
  from(2, { type: 'failed', code: 'port-in-use', message: 'taken' });
  assert.deepEqual(failed, ['2 port-in-use']);
});

test('metrics of all cores become one exposition', () => {
  const text = (requests: number, ejected: number): string =>
    `# HELP r Requests.\n# TYPE r counter\nr{a="1 2"} ${requests}\n# HELP weft_cluster_ejected E.\n# TYPE weft_cluster_ejected gauge\nweft_cluster_ejected{c="x"} ${ejected}\n# HELP weft_cluster_endpoints N.\n# TYPE weft_cluster_endpoints gauge\nweft_cluster_endpoints{c="x"} 3\n`;
  const only = `# HELP r Requests.\n# TYPE r counter\nr{a="2"} 5\n`;
  assert.equal(
    [...mergeMetrics([text(1, 0), text(10, 2), only])].join(''),
    '# HELP r Requests.\n# TYPE r counter\nr{a="1 2"} 11\nr{a="2"} 5\n' +
      '# HELP weft_cluster_ejected E.\n# TYPE weft_cluster_ejected gauge\nweft_cluster_ejected{c="x"} 2\n' +
      '# HELP weft_cluster_endpoints N.\n# TYPE weft_cluster_endpoints gauge\nweft_cluster_endpoints{c="x"} 3\n',
  );
});

test('an error while a message is handled is told, and the next message is heard', t => {
  const told: InternalError[] = [];
  onInternalError(error => told.push(error));
  t.after(() => onInternalError(undefined));
  let broken = true;
  const hear: ((message: FromCore) => void)[] = [];
  const asked: string[] = [];
  new Cores({
    ports: [{ postMessage() {}, on: (_event, heard) => hear.push(heard) }],
    own() {},
    questions: { kinds: [], ask() {}, unask() {}, over() {} },
    source: () => ({
      want(key) {
        if (broken) throw new Error('injected');
        asked.push(key);
      },
      forget() {},
    }),
    onFailed: () => assert.fail('the process must go on'),
  });
  hear[0]!({ type: 'want', key: 'a:80' });
  broken = false;
  hear[0]!({ type: 'want', key: 'b:80' });
  assert.deepEqual(asked, ['b:80']);
  assert.deepEqual(
    told.map(({ where }) => where),
    ['cores.message'],
  );
});

test('a question goes to every core, and its answer is over when the last one has said all', () => {
  const { cores, told, from, sinks } = setUp();
  const heard: unknown[] = [];
  const sink: AnswerSink = {
    said: (items, left) => heard.push([items, left]),
    done: error => heard.push(error ?? 'done'),
  };
  assert.deepEqual(cores.questions.kinds, ['tap']);
  cores.questions.ask({ type: 'ask', id: 7, question: { kind: 'tap' } }, sink);
  assert.deepEqual(
    told.map(messages => messages.map(each => each.type)),
    [['ask'], ['ask']],
  );
  sinks[0]!.said(['1'], 0);
  from(1, { type: 'said', id: 7, items: ['2'], left: 3 });
  from(1, { type: 'done', id: 7 });
  sinks[0]!.done();
  assert.deepEqual(heard, [
    [['1'], 0],
    [['2'], 3],
  ]);
  from(2, { type: 'done', id: 7, error: 'core 2 cannot' });
  assert.deepEqual(heard[2], 'core 2 cannot');
  from(2, { type: 'said', id: 7, items: ['late'], left: 0 });
  cores.questions.ask({ type: 'ask', id: 8, question: { kind: 'tap' } }, sink);
  cores.questions.unask(8);
  from(2, { type: 'said', id: 8, items: ['late'], left: 0 });
  assert.equal(heard.length, 3);
  assert.deepEqual(told[1]!.at(-1), { type: 'unask', id: 8 });
});

test('the end is over when every core has said so, and does not wait for one that says nothing', async () => {
  const { cores, told, from } = setUp();
  const clock = new FakeClock();
  let ended = 0;
  const end = (): Promise<void> =>
    cores.end(3_000, clock).then(() => {
      ended++;
    });
  const answer = (core: number): void => {
    const { id } = told[core - 1]!.at(-1) as Extract<ToCore, { type: 'end' }>;
    from(core, { type: 'reply', id, value: undefined });
  };
  const first = end();
  answer(1);
  await clock.advance(2_999);
  assert.equal(ended, 0);
  answer(2);
  await first;
  const second = end();
  answer(2);
  await clock.advance(3_000);
  await second;
  assert.equal(ended, 2);
});

test('views of the other cores come in their order', async () => {
  const { cores, told, from } = setUp();
  const views = cores.view('inbound');
  const [one, two] = told.map(messages => messages[0] as Extract<ToCore, { type: 'view' }>);
  assert.deepEqual([one!.view, two!.view], ['inbound', 'inbound']);
  from(2, { type: 'reply', id: two!.id, value: ['b'] });
  from(1, { type: 'reply', id: one!.id, value: ['a'] });
  assert.deepEqual(await views, [['a'], ['b']]);
});
