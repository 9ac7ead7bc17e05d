// Whose word counts is said by a listener's trust, whichever way its connections go: each case has the direction that says the
// opposite.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHead } from '../../http1/testing/heads.ts';
import { INBOUND_TRUST, OUTBOUND_TRUST, type Trust } from '../services/trust.ts';
import { ExchangeRig } from '../testing/exchange-rig.ts';

const gateway: Trust = { downstream: 'strangers', upstream: 'mesh' };
const request = 'GET /a HTTP/1.1\r\nhost: a\r\nx-request-id: one\r\n\r\n';
const marks = 'x-weft-cascaded: true\r\nx-weft-untouched: true\r\n';
const failure = (status: number): string => `HTTP/1.1 ${status} No\r\n${marks}content-length: 0\r\n\r\n`;

/** What a client hears of an upstream that answers so, and whether its failure counts as a call of the app. */
async function heard(trust: Trust, direction: 'inbound' | 'outbound', answer: string) {
  const rig = new ExchangeRig({ direction, trust, retry: { attempts: 0 } });
  const client = rig.client();
  client.peer.send(request);
  const upstream = await rig.upstream();
  upstream.send(answer);
  await rig.settle();
  return { text: client.peer.text, isCall: rig.services.failedCalls.concern(requestHead(request), 0) };
}

test('what only a proxy may say is taken out of the answers of an app', async () => {
  for (const status of [500, 503]) {
    const { text, isCall } = await heard(INBOUND_TRUST, 'outbound', failure(status));
    assert.match(text, new RegExp(`^HTTP/1.1 ${status} `));
    assert.doesNotMatch(text, /x-weft-cascaded/);
    assert.equal(isCall, false);
  }
});

test('only the calls of the app itself count as such', async () => {
  assert.equal((await heard(OUTBOUND_TRUST, 'inbound', failure(500))).isCall, true);
  assert.equal((await heard(gateway, 'outbound', failure(500))).isCall, false);
});

test('who is no proxy is not told what proxies tell each other', async () => {
  const told: [Trust, 'inbound' | 'outbound', boolean][] = [
    [INBOUND_TRUST, 'outbound', true],
    [OUTBOUND_TRUST, 'inbound', false],
    [gateway, 'inbound', false],
  ];
  for (const [trust, direction, isTold] of told) {
    const rig = new ExchangeRig({ direction, trust });
    rig.services.refusing = true;
    const client = rig.client();
    client.peer.send(request);
    await rig.settle();
    assert.match(client.peer.text, /^HTTP\/1.1 503 /);
    assert.equal(client.peer.text.includes('x-weft-untouched'), isTold, JSON.stringify(trust));
  }
});
