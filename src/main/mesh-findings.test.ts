import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshOfObjects } from '../analyze/index.ts';
import { refOf, type Stored } from '../registry/index.ts';
import { parseFile } from '../source/index.ts';
import { FakeClock } from '../time/index.ts';
import { MeshFindings } from './mesh-findings.ts';

const yaml = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 80 }, { name: calls, port: 50051 }] }
---
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { istio-injection: enabled } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec:
  hosts: [reviews]
  http:
    - route: [{ destination: { host: reviews } }]
    - match: [{ uri: { prefix: /late } }]
      route: [{ destination: { host: reviews } }]
`;

function shop() {
  const stored: readonly Stored[] = parseFile(yaml, 'shop.yaml').objects.map(({ object, line }) => ({
    object,
    ref: refOf(object, `shop.yaml:${line}`),
  }));
  const place = { expectPods: false, trustDomain: 'cluster.local', clusterDomain: 'cluster.local' };
  return { stored, make: () => meshOfObjects(stored, place) };
}

test('findings about policies and Services have their file and line, and the remedy; of other objects none are told', () => {
  const { stored, make } = shop();
  const { mesh, problems } = make();
  const findings = new MeshFindings(new FakeClock());
  const found = findings.of(
    mesh,
    problems,
    () => stored,
    kind => kind === 'VirtualService',
  );
  const shadowed = found.find(({ path }) => path?.startsWith('spec.http[1]'));
  assert.equal(shadowed?.object.origin, 'shop.yaml:11');
  assert.match(shadowed!.message, /; /);
  assert.deepEqual([...new Set(found.map(({ object }) => object.kind))], ['VirtualService', 'Service']);
  const ofService = found.filter(({ object }) => object.kind === 'Service');
  assert.deepEqual(
    ofService.map(({ code, object }) => [code, object.origin]),
    [['grpc-port-unnamed', 'shop.yaml:2']],
  );
});

test('it looks again when the mesh is another, and not more often than every five seconds', async () => {
  const { stored, make } = shop();
  const clock = new FakeClock();
  const findings = new MeshFindings(clock);
  let looked = 0;
  const look = ({ mesh, problems }: ReturnType<typeof make>): void => {
    const objects = (): readonly Stored[] => {
      looked++;
      return stored;
    };
    findings.of(mesh, problems, objects, () => true);
  };
  const [first, second] = [make(), make()];
  look(first);
  look(first);
  look(second);
  assert.equal(looked, 1);
  await clock.advance(5_000);
  look(first);
  assert.equal(looked, 1, 'the same mesh says the same');
  look(second);
  assert.equal(looked, 2);
});
