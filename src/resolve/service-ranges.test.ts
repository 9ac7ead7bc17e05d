import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInRange } from '../model/index.ts';
import { changesOf } from '../translate/testing/from-yaml.ts';
import { Translator } from '../translate/translator.ts';
import { serviceRanges } from './service-ranges.ts';

function rangesOf(...documents: readonly string[]): readonly string[] {
  return serviceRanges(new Translator().apply(changesOf(documents.join('\n---\n'))).mesh);
}

const service = (address: string, at = 0): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: s${at}, namespace: shop}, spec: {clusterIP: "${address}", ports: [{port: 80}]}}`;

const entry = (spec: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: shop}
spec: {hosts: [out.example.com], ports: [{number: 443, name: tls, protocol: TLS}], ${spec}}
`;

test('Services of Kubernetes are blocks, external ones their very addresses and ranges', () => {
  const ranges = rangesOf(
    service('10.96.0.5', 1),
    service('10.96.0.77', 2),
    service('fd00:10:96::5', 3),
    entry('resolution: STATIC, addresses: [34.1.2.3, 35.0.0.0/24], endpoints: [{address: 34.9.9.9}]'),
  );
  assert.deepEqual(ranges, ['10.96.0.0/24', '34.1.2.3/32', '35.0.0.0/24', 'fd00:10:96:0:0:0:0:0/112']);
});

test('what is passed on to where the app wanted to go is no reason to hold anything back', () => {
  assert.deepEqual(rangesOf(entry('resolution: NONE, addresses: [34.1.2.3, 0.0.0.0/0]')), []);
});

test('ten thousand Services anywhere in their block come to few ranges, and all of them are in one', () => {
  const all = Array.from({ length: 10_000 }, (_, at) => {
    const number = (at * 7919) % 2 ** 20;
    return `10.${96 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
  });
  const ranges = rangesOf(...all.map(service));
  assert.ok(ranges.length <= 64, `${ranges.length} ranges`);
  assert.deepEqual(
    all.filter(address => !ranges.some(range => isInRange(address, range))),
    [],
  );
  assert.ok(!ranges.some(range => isInRange('10.244.0.1', range)));
});
