// Objects for tests: the smallest ones that hold together.
import type { Context } from '../controllers/plan.ts';
import type { Deployment, Pod, PodSpec, Service, StatefulSet } from '../kube/index.ts';

/** Names and ids that count up, so that tests can tell them. */
export function testContext(nowMs = Date.UTC(2026, 0, 1)): Context & { nowMs: number } {
  let next = 0;
  return { nowMs, suffix: () => `s${next++}`, uid: () => `uid-${next++}` };
}

/** A pod spec with one container that runs `run`. */
export function podSpec(more: Partial<PodSpec> = {}): PodSpec {
  return {
    containers: [{ name: 'app', command: ['run'], ports: [{ name: 'http', containerPort: 8080 }] }],
    ...more,
  };
}

/** A pod; ready at 10.244.0.9 unless told. */
export function pod(
  name: string,
  more: { ready?: boolean; address?: string; spec?: Partial<PodSpec>; labels?: Record<string, string> } = {},
): Pod {
  const { ready = true, address = '10.244.0.9', labels = { app: 'web' } } = more;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-of-${name}`,
      labels,
      creationTimestamp: '2026-01-01T00:00:00.000Z',
    },
    spec: podSpec(more.spec),
    status: {
      phase: 'Running',
      podIP: address,
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:00.000Z' },
      ],
    },
  };
}

/** The pod on its way out. */
export function terminating(of: Pod): Pod {
  return { ...of, metadata: { ...of.metadata, deletionTimestamp: '2026-01-01T00:00:01.000Z' } };
}

/** A Deployment of `web`. */
export function deployment(
  replicas: number,
  version = 'v1',
  strategy?: Deployment['spec']['strategy'],
): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'uid-of-web' },
    spec: {
      replicas,
      template: { metadata: { labels: { app: 'web', version } }, spec: podSpec() },
      ...(strategy ? { strategy } : {}),
    },
  };
}

/** A StatefulSet of `db`. */
export function statefulSet(replicas: number, version = 'v1'): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: 'shop', uid: 'uid-of-db' },
    spec: {
      replicas,
      serviceName: 'dbs',
      template: { metadata: { labels: { app: 'db', version } }, spec: podSpec() },
    },
  };
}

/** A Service of `web` on port 80 with the named target port `http`. */
export function service(name: string, spec: Partial<Service['spec']> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop', uid: `uid-of-svc-${name}` },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
  };
}
