import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onInternalError } from '../../errors/index.ts';
import { localReply } from '../replies/local-replies.ts';
import { ask, closeAll, httpServer } from '../testing/clients.ts';
import { ExchangeRig, GET, OK, post } from '../testing/exchange-rig.ts';
import { StaticMesh } from '../testing/static-mesh.ts';
import { type FilteredRequest, type FilterKind, PASS, type RequestFilter, WAIT } from './filter.interface.ts';
import { INBOUND_FILTERS, LISTENER_FILTERS, type ListenerRules, OUTBOUND_FILTERS } from './lists.ts';

const denial = { reply: localReply('UAEX', 'no'), flag: 'UAEX', detail: 'no' } as const;

/** A rig whose destination has these filters for every request. */
function filtered(filters: readonly RequestFilter[], listeners: readonly RequestFilter[] = []): ExchangeRig {
  const rig = new ExchangeRig({ filters: listeners });
  Object.defineProperty(rig.destination, 'filters', { value: filters });
  return rig;
}

/** A filter that has each request wait, and hands out what goes on. */
function waiting(): { filter: RequestFilter; held: (() => void)[]; deny: (() => void)[] } {
  const held: (() => void)[] = [];
  const deny: (() => void)[] = [];
  const judge = (request: FilteredRequest): typeof WAIT => {
    const { turn } = request;
    held.push(() => request.resume(turn, PASS));
    deny.push(() => request.resume(turn, denial));
    return WAIT;
  };
  return { filter: { judge }, held, deny };
}

test('the lists stand as they were reviewed', () => {
  assert.deepEqual(LISTENER_FILTERS, []);
  assert.deepEqual(
    INBOUND_FILTERS.map(({ name }) => name),
    ['external-authorization', 'tokens', 'authorization', 'rate-limits'],
  );
  assert.deepEqual(
    OUTBOUND_FILTERS.map(({ name }) => name),
    [
      'edge-answers',
      'field-sizes',
      'body-size',
      'https',
      'client-certificates',
      'cors',
      'client-limits',
      'edge-access',
      'rate-limits',
      'fault-delay',
      'fault-abort',
      'unusable',
      'no-route',
      'redirect',
      'direct-answer',
    ],
  );
});

test('a filter sees who calls, and the head as the client sent it', async () => {
  const seen: string[] = [];
  const rig = filtered([
    {
      judge: ({ caller, head }) => {
        seen.push(
          `${caller.downstream} ${caller.principal} ${head.methodText} ${head.authority} ${head.requestId}`,
        );
        return PASS;
      },
    },
  ]);
  const client = rig.client();
  client.peer.send(GET);
  (await rig.upstream()).send(OK);
  assert.equal(client.peer.text, OK);
  assert.deepEqual(seen, [`${client.id}  GET a -1`]);
});

test('the first filter that answers decides, and those behind it are not asked', async () => {
  let asked = 0;
  const rig = filtered([{ judge: () => PASS }, { judge: () => denial }, { judge: () => void asked++ }]);
  const client = rig.client();
  client.peer.send(GET);
  await rig.settle();
  assert.match(client.peer.text, /^HTTP\/1\.1 403 [\s\S]*x-weft-flag: UAEX/);
  assert.deepEqual([asked, rig.host.dials.length, rig.outcomes()], [0, 0, ['403 UAEX']]);
});

test('a request waits for its filter, body and all, and goes on with the next one', async () => {
  const { filter, held } = waiting();
  const order: string[] = [];
  const rig = filtered([filter, { judge: () => void order.push('next') }]);
  const client = rig.client();
  client.peer.send(post('hello'));
  await rig.settle();
  assert.deepEqual([order, rig.host.dials.length, client.peer.text], [[], 0, '']);
  held[0]!();
  const upstream = await rig.upstream();
  assert.deepEqual(order, ['next']);
  assert.ok(upstream.text.endsWith('hello'));
  upstream.send(OK);
  assert.equal(client.peer.text, OK);
  held[0]!();
  assert.deepEqual(rig.outcomes(), ['200'], 'a second word on it changes nothing');
});

test('a filter that waited may answer; its word on a request that is over touches no later one', async () => {
  const { filter, held, deny } = waiting();
  const rig = filtered([filter]);
  const client = rig.client();
  client.peer.send(GET);
  deny[0]!();
  assert.match(client.peer.take(), /^HTTP\/1\.1 403 /);
  client.peer.send(GET);
  held[0]!();
  deny[0]!();
  assert.deepEqual([client.peer.text, rig.host.dials.length], ['', 0]);
  held[1]!();
  (await rig.upstream()).send(OK);
  assert.equal(client.peer.text, OK);
  const gone = rig.client();
  gone.peer.send(GET);
  gone.peer.breakOff();
  await rig.settle();
  held[2]!();
  assert.deepEqual(rig.outcomes(gone), ['0 DC']);
  assert.equal(rig.open.exchanges, 0);
});

test("what a filter throws closes its client's connection and nothing else", async t => {
  const told: string[] = [];
  onInternalError(({ where }) => told.push(where));
  t.after(() => onInternalError(undefined));
  const { filter, held } = waiting();
  const rig = filtered([
    filter,
    {
      judge: () => {
        throw new Error('boom');
      },
    },
  ]);
  const client = rig.client();
  client.peer.send(GET);
  held[0]!();
  await rig.settle();
  assert.deepEqual([told, client.closed], [['filter'], true]);
  assert.equal(rig.open.exchanges, 0);
});

test('a listener’s own filters are asked before the port’s, and what they answer or wait for is the same', async () => {
  const asked: string[] = [];
  const passes = (name: string): RequestFilter => ({
    judge: () => {
      asked.push(name);
      return PASS;
    },
  });
  const { filter, held, deny } = waiting();
  const rig = filtered([passes('port')], [passes('listener'), filter]);
  const client = rig.client();
  client.peer.send(GET);
  await rig.settle();
  assert.deepEqual(asked, ['listener'], 'the port is asked after whom the listener waits for');
  held[0]!();
  assert.deepEqual(asked, ['listener', 'port']);
  (await rig.upstream()).send(OK);
  assert.equal(client.peer.take(), OK);
  client.peer.send(GET);
  await rig.settle();
  deny[1]!();
  await rig.settle();
  assert.match(client.peer.take(), /^HTTP\/1\.1 403 /);
  assert.deepEqual(asked, ['listener', 'port', 'listener']);
});

test('a listener’s filters hold for its own connections alone', async t => {
  const mesh = new StaticMesh();
  const app = await httpServer((_request, response) => response.end('fine'));
  let compiled = 0;
  const denies: FilterKind<ListenerRules> = {
    name: 'denies',
    compile: ({ listener }) => {
      compiled++;
      return { judge: () => ({ ...denial, detail: listener }) };
    },
  };
  const server = mesh.proxy('server', { mtls: 'permissive', inboundFilters: [denies] });
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port)] });
  mesh.set({ key: 'plain:80', endpoints: [mesh.plain(app.port)] });
  for (let i = 0; i < 2; i++) {
    const refused = await ask(client.plane.outboundPort, 'app:80');
    assert.equal(refused.status, 403);
  }
  assert.equal(server.access.records[0]!.detail, 'inbound');
  assert.equal(compiled, 1, 'when the row is made');
  assert.equal((await ask(server.plane.outboundPort, 'plain:80')).status, 200);
});
