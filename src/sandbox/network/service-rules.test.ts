import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { endpointSlices } from '../controllers/endpoints.ts';
import { machineCapabilities } from '../host/index.ts';
import type { Pod, Service } from '../kube/index.ts';
import { pod, service, terminating } from '../testing/objects.ts';
import { readyTargets, serviceRules } from './service-rules.ts';

function rulesFor(services: Service[], pods: Pod[]): string {
  return serviceRules(
    services,
    services.flatMap(one => endpointSlices(one, pods)),
    '10.96.0.0/16',
  );
}

const three = ['10.244.0.2', '10.244.0.3', '10.244.0.4'].map((address, index) =>
  pod(`web-${index}`, { address }),
);
const web = service('web', { clusterIP: '10.96.0.20' });

test('connections to a Service go to each ready endpoint equally often', () => {
  const lines = rulesFor([web], three).split('\n');
  assert.ok(
    lines.some(line =>
      /^-A WEFT-SERVICES -d 10\.96\.0\.20\/32 -p tcp -m tcp --dport 80 -j WEFT-[0-9A-F]{16}$/.test(line),
    ),
  );
  const targets = lines
    .filter(line => line.includes('DNAT'))
    .map(line => line.replace(/^-A WEFT-[0-9A-F]{16} /, ''));
  assert.deepEqual(targets, [
    '-p tcp -m statistic --mode random --probability 0.3333333333 -j DNAT --to-destination 10.244.0.2:8080',
    '-p tcp -m statistic --mode random --probability 0.5000000000 -j DNAT --to-destination 10.244.0.3:8080',
    '-p tcp -j DNAT --to-destination 10.244.0.4:8080',
  ]);
});

test('a pod that reaches itself through a Service is given another source', () => {
  assert.match(
    rulesFor([web], three.slice(0, 1)),
    /-A POSTROUTING -s 10\.244\.0\.2\/32 -d 10\.244\.0\.2\/32 -j MASQUERADE/,
  );
});

test('headless Services and those without endpoints have no rules but the refusal', () => {
  const rules = rulesFor(
    [
      service('none', { clusterIP: '10.96.0.21', selector: { app: 'nobody' } }),
      service('h', { clusterIP: 'None' }),
    ],
    three,
  );
  assert.doesNotMatch(rules, /DNAT/);
  assert.match(rules, /-A FORWARD -d 10\.96\.0\.0\/16 .*-j REJECT/);
});

test('terminating pods get connections only when nobody else is left', () => {
  const leaving = terminating(three[0]!);
  const slices = (pods: Pod[]) => endpointSlices(web, pods);
  const port = web.spec.ports![0]!;
  assert.deepEqual(readyTargets(web, port, slices([leaving, three[1]!])), ['10.244.0.3:8080']);
  assert.deepEqual(readyTargets(web, port, slices([leaving])), ['10.244.0.2:8080']);
});

const noNamespaces = machineCapabilities().reasons.join('; ') || false;

test('iptables-restore takes the rules as they are', { skip: noNamespaces }, () => {
  const udp = service('dns', {
    clusterIP: '10.96.0.22',
    ports: [{ port: 53, protocol: 'UDP', targetPort: 5353 }],
  });
  const input = rulesFor([web, udp], three);
  const { status, stderr } = spawnSync('unshare', ['--net', '--', 'iptables-restore'], {
    input,
    encoding: 'utf8',
  });
  assert.deepEqual([status, stderr], [0, '']);
});
