// Consul's answers, from a server that holds questions back as Consul does (its HTTP API, "blocking queries").
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { consulUrl } from '../consul/index.ts';
import type { ConsulDiscovery } from '../model/index.ts';
import { systemClock } from '../time/index.ts';
import { discoverConsul, questionOf } from './consul-discovery.ts';
import { NameLookup } from './names.ts';

const lookup = new NameLookup(async () => ({ kind: 'none', ttlMs: 1_000 }), {
  servers: [],
  search: [],
  ndots: 1,
  timeoutMs: 1,
  hosts: new Map([['db.test', ['10.3.3.3']]]),
});
const settings: ConsulDiscovery = {
  kind: 'consul',
  address: 'http://consul:8500',
  service: 'api',
  onlyPassing: true,
  refreshMs: 1_000,
};

test('a question names service, datacenter, tag and passing, and waits once an index is known', () => {
  const more = { ...settings, service: 'a/b', datacenter: 'dc1', tag: 'production' };
  assert.equal(
    consulUrl(more, questionOf(more), 0).href,
    'http://consul:8500/v1/health/service/a%2Fb?dc=dc1&tag=production&passing=1',
  );
  assert.equal(
    consulUrl(settings, questionOf({ ...settings, onlyPassing: false }), 7).href,
    'http://consul:8500/v1/health/service/api?index=7&wait=300s',
  );
});

/** A server whose answers are given by the test, one for each question. */
async function consul(context: TestContext) {
  const questions: {
    readonly url: string;
    readonly token: string | undefined;
    readonly response: ServerResponse;
  }[] = [];
  const waiting: ((question: (typeof questions)[number]) => void)[] = [];
  const server = createServer((request, response) => {
    const token = request.headers['x-consul-token'];
    const question = {
      url: request.url ?? '',
      token: token === undefined ? undefined : String(token),
      response,
    };
    const next = waiting.shift();
    if (next) next(question);
    else questions.push(question);
  });
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  const stop = new AbortController();
  context.after(() => {
    stop.abort();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const question = (): Promise<(typeof questions)[number]> => {
    const first = questions.shift();
    return first ? Promise.resolve(first) : new Promise(resolve => void waiting.push(resolve));
  };
  const told: (readonly string[] | string)[] = [];
  let heard: () => void = () => {};
  discoverConsul(lookup, systemClock, { ...settings, address: `http://127.0.0.1:${port}`, token: 'secret' })(
    {
      found(endpoints) {
        told.push(endpoints.map(each => `${each.address}:${each.port}*${each.weight}`));
        heard();
      },
      failed(why) {
        told.push(why);
        heard();
      },
    },
    stop.signal,
  );
  const until = (count: number): Promise<void> =>
    new Promise(resolve => {
      heard = () => told.length >= count && resolve();
      heard();
    });
  return { question, told, until };
}

const instance = (address: string, port: number, node = '10.0.0.1', weight = 1) => ({
  Node: { Address: node },
  Service: { Address: address, Port: port, Weights: { Passing: weight, Warning: 1 } },
  Checks: [{ Status: 'passing' }],
});
const answer = (response: ServerResponse, index: number, body: unknown): void => {
  response.writeHead(200, { 'x-consul-index': index }).end(JSON.stringify(body));
};

test('instances are told at once when Consul answers, and the next question waits from that index', async context => {
  const { question, told, until } = await consul(context);
  const first = await question();
  assert.deepEqual([first.url, first.token], ['/v1/health/service/api?passing=1', 'secret']);
  answer(first.response, 5, [instance('10.1.0.1', 80, 'x', 7), instance('', 81), instance('db.test', 82)]);
  await until(1);
  assert.deepEqual(told[0], ['10.1.0.1:80*7', '10.0.0.1:81*1', '10.3.3.3:82*1']);
  const second = await question();
  assert.match(second.url, /index=5&wait=300s/);
  answer(second.response, 9, []);
  await until(2);
  assert.deepEqual(told[1], []);
});

test('while Consul is away what was found stays, and afterwards the question does not wait', async context => {
  const { question, told, until } = await consul(context);
  answer((await question()).response, 5, [instance('10.1.0.1', 80)]);
  await until(1);
  (await question()).response.writeHead(500).end('no leader');
  await until(2);
  assert.match(String(told[1]), /^service api cannot be asked of Consul at http:.*: answered 500 no leader$/);
  const again = await question();
  assert.doesNotMatch(again.url, /index/);
  answer(again.response, 3, [instance('10.1.0.2', 80)]);
  await until(3);
  assert.deepEqual(told[2], ['10.1.0.2:80*1']);
});

test('an index that goes back is another server’s, and the next question does not wait', async context => {
  const { question, until } = await consul(context);
  answer((await question()).response, 50, []);
  await until(1);
  answer((await question()).response, 4, []);
  await until(2);
  assert.doesNotMatch((await question()).url, /index/);
});

test('an answer that is no list is a failure and not the end of all instances', async context => {
  const { question, told, until } = await consul(context);
  answer((await question()).response, 5, { error: true });
  await until(1);
  assert.match(String(told[0]), /the answer is no list/);
});

test('what the token may not read is a failure and not the end of all instances', async context => {
  const { question, told, until } = await consul(context);
  const { response } = await question();
  response
    .writeHead(200, { 'x-consul-index': 5, 'x-consul-results-filtered-by-acls': 'true' })
    .end(JSON.stringify([]));
  await until(1);
  assert.match(String(told[0]), /the token may not read it/);
});
