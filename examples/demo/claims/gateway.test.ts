import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DemoContext } from '../claim.ts';
import { Growth } from '../metrics/growth.ts';
import { parsePrometheus } from '../metrics/prometheus.ts';
import { gatewayPages, judgeGateway } from './gateway.ts';

const id = (name: string) => `spiffe://cluster.local/ns/shop/sa/${name}`;
const line = (reporter: string, value: number, policy = 'mutual_tls', from = 'edge-weft') =>
  `istio_requests_total{reporter="${reporter}",source_principal="${id(from)}",destination_principal="${id('storefront')}",` +
  `connection_security_policy="${policy}"} ${value}`;

function growth(...lines: readonly string[]): Growth {
  return new Growth(undefined, {
    atMs: 0,
    pods: new Map([['all', parsePrometheus(lines.join('\n'))]]),
  });
}
const pages = ['200 storefront', '200 storefront'];

test('pages that both ends have counted over mutual TLS pass, also where one took a second try', () => {
  for (const received of [2, 3]) {
    const counted = growth(
      line('source', 2),
      line('destination', received),
      line('destination', 9, 'none', 'x'),
    );
    assert.equal(judgeGateway(pages, counted).result, 'pass');
  }
});

test('a page that fails, that somebody else wrote, that is not counted, or that came in plaintext does not', () => {
  const both = growth(line('source', 2), line('destination', 2));
  const failed = judgeGateway(['200 storefront', '503 '], both);
  assert.deepEqual([failed.result, failed.detail], ['fail', ['503 ']]);
  assert.equal(judgeGateway(['200 storefront', '200 catalog'], both).result, 'fail');
  assert.equal(judgeGateway([], growth()).result, 'fail');
  for (const counted of [
    [line('source', 2)],
    [line('source', 3), line('destination', 3)],
    [line('source', 2), line('destination', 1)],
    [line('source', 2), line('destination', 2, 'none')],
    [line('source', 2, 'none'), line('destination', 2)],
    [line('source', 2, 'mutual_tls', 'loadgen'), line('destination', 2, 'mutual_tls', 'loadgen')],
  ])
    assert.equal(judgeGateway(pages, growth(...counted)).result, 'fail', counted.join('\n'));
});

test('where pods have no network of their own the claim is skipped', async () => {
  const context = { mesh: { transparent: false } } as unknown as DemoContext;
  assert.equal((await gatewayPages.run(context)).result, 'skip');
});
