import type { Container, PodTemplate } from '../pod.ts';
import type { Random } from './random.ts';

/** A pod template that inject accepts, with anything in it that inject reads, and fields that it does not know. */
export function randomPod(random: Random): PodTemplate {
  const containers = names(random, 'app', 1 + random.below(3)).map(name =>
    randomContainer(random, name, false),
  );
  const inits = names(random, 'init', random.below(3)).map(name => randomContainer(random, name, true));
  return {
    ...random.maybe(0.3, 'apiVersion', () => 'v1'),
    ...(random.chance(0.85)
      ? { metadata: randomMetadata(random) }
      : random.maybe(0.5, 'metadata', () => null)),
    spec: {
      ...random.maybe(0.3, 'serviceAccountName', () => 'sa'),
      ...(inits.length > 0 || random.chance(0.3)
        ? { initContainers: inits }
        : nullOrAbsent(random, 'initContainers')),
      containers,
      ...(random.chance(0.5) ? { volumes: randomVolumes(random) } : nullOrAbsent(random, 'volumes')),
      ...random.maybe(0.4, 'restartPolicy', () => random.pick(['Always', 'Never', 'OnFailure'])),
      ...random.maybe(0.3, 'securityContext', () => ({ runAsNonRoot: true, runAsUser: 1000, fsGroup: 2000 })),
      ...random.maybe(0.3, 'fieldOfTheFuture', () => ({ deep: [1, 'two', null, { three: true }] })),
    },
  } as PodTemplate;
}

function nullOrAbsent(random: Random, key: string): Record<string, null> {
  return random.maybe(0.3, key, () => null);
}

function names(_random: Random, prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

function randomMetadata(random: Random): Record<string, unknown> {
  const annotations = {
    ...random.maybe(0.5, 'prometheus.io/scrape', () => random.pick(['true', 'false'])),
    ...random.maybe(0.5, 'prometheus.io/port', () => random.pick(['8080', 'no-port', '15020'])),
    ...random.maybe(0.3, 'prometheus.io/path', () => '/m'),
    ...random.maybe(0.3, 'prometheus.io/scheme', () => 'https'),
    ...random.maybe(0.2, 'kubectl.kubernetes.io/default-container', () => 'app-0'),
    ...random.maybe(0.2, 'weft.dev/skip-outbound-ports', () => '25, 3306'),
    ...random.maybe(0.2, 'weft.dev/proxy-memory-limit', () => '512Mi'),
    ...random.maybe(0.2, 'team.example/contact', () => 'somebody $(not expanded)'),
  };
  return {
    ...random.maybe(0.5, 'labels', () => ({ app: 'web', version: 'v1' })),
    ...(random.chance(0.6) ? { annotations } : nullOrAbsent(random, 'annotations')),
    ...random.maybe(0.3, 'creationTimestamp', () => null),
  };
}

function randomVolumes(random: Random): unknown[] {
  return names(random, 'data', random.below(3)).map(name => ({ name, emptyDir: {} }));
}

function randomContainer(random: Random, name: string, isInit: boolean): Container {
  const probe = (): Record<string, unknown> => ({
    ...random.maybe(0.5, 'periodSeconds', () => random.below(10)),
    ...randomHandler(random),
    ...random.maybe(0.5, 'timeoutSeconds', () => 1 + random.below(5)),
  });
  const sidecar = isInit && random.chance(0.3);
  return {
    name,
    image: 'app:1',
    ...random.maybe(0.4, 'command', () => random.pick([['/bin/run', '--flag'], [], ['sh', '-c', 'exit 3']])),
    ...random.maybe(0.3, 'args', () => ['--', 'x']),
    ...random.maybe(0.6, 'ports', () => [
      { name: 'http', containerPort: 8080 },
      { containerPort: 9090, protocol: 'UDP' },
    ]),
    ...random.maybe(0.3, 'volumeMounts', () => random.pick([[], [{ name: 'data-0', mountPath: '/d' }]])),
    ...random.maybe(0.1, 'volumeMounts', () => null),
    ...(sidecar ? { restartPolicy: 'Always' } : {}),
    ...(isInit && !sidecar
      ? {}
      : {
          ...random.maybe(0.5, 'readinessProbe', probe),
          ...random.maybe(0.4, 'livenessProbe', probe),
          ...random.maybe(0.3, 'startupProbe', probe),
          ...random.maybe(0.1, 'livenessProbe', () => null),
          ...random.maybe(0.3, 'lifecycle', () => ({
            ...random.maybe(0.6, 'postStart', () => randomHandler(random)),
            ...random.maybe(0.6, 'preStop', () => randomHandler(random)),
          })),
        }),
    ...random.maybe(0.2, 'tty', () => true),
  } as Container;
}

function randomHandler(random: Random): Record<string, unknown> {
  const port = random.pick([8080, 'http', 'undeclared', '8081']);
  return random.pick([
    { httpGet: { path: '/ok?a=$(B)', port } },
    { httpGet: { port, scheme: 'HTTPS', httpHeaders: [{ name: 'Host', value: 'a' }] } },
    { httpGet: { path: '/elsewhere', port, host: '192.0.2.1' } },
    { tcpSocket: { port } },
    { grpc: { port: 9000, service: 'health' } },
    { grpc: { port: 9000, service: null } },
    { exec: { command: ['true'] } },
  ]);
}
