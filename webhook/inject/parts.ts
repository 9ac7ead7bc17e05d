// The containers and volumes that inject adds, as Kubernetes writes them. Each call makes fresh objects.
import {
  type AppMetrics,
  type AppProbes,
  ENVIRONMENT,
  type ExitWithApp,
  PATHS,
  PORTS,
  PROXY_UID,
} from '../../src/config/index.ts';
import { CONTAINERS, HEALTH_PORT_NAME, MOUNTS, VOLUMES } from './names.ts';
import type { InjectOptions } from './options.ts';
import type { Container, Volume } from './pod.ts';
import { type PodSettings, type RedirectLists, redirectFlag, startsAsRoot } from './settings.ts';

/** What the proxy has to know of the app beside it. */
export interface AppFacts {
  readonly probes: AppProbes;
  readonly appMetrics?: AppMetrics;
  readonly exitWithApp?: ExitWithApp;
}

const entriesOf = (lists: RedirectLists) => Object.entries(lists) as [keyof RedirectLists, string][];

/** Writes the packet rules as root with the two capabilities that iptables needs, and ends. */
export function initContainer(settings: PodSettings, options: InjectOptions): Container {
  return {
    name: CONTAINERS.init,
    image: settings.image,
    imagePullPolicy: options.imagePullPolicy,
    args: [
      'init',
      ...entriesOf(settings.redirectLists).map(([name, list]) => redirectFlag(name, list)),
      ...(settings.clientAddresses === 'keep' ? ['--client-addresses=keep'] : []),
    ],
    resources: structuredClone(settings.resources),
    securityContext: {
      ...lockedDown(0),
      runAsNonRoot: false,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    // iptables keeps its lock in /run, and the root file system is read-only.
    volumeMounts: [{ name: VOLUMES.state, mountPath: '/run' }],
  };
}

/** Copies `run-app` to where the app's container can start it. */
export function runAppContainer(settings: PodSettings, options: InjectOptions): Container {
  return {
    name: CONTAINERS.runApp,
    image: settings.image,
    imagePullPolicy: options.imagePullPolicy,
    args: ['install-run-app', MOUNTS.runApp],
    resources: structuredClone(settings.resources),
    securityContext: lockedDown(PROXY_UID),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [{ name: VOLUMES.runApp, mountPath: MOUNTS.runApp }],
  };
}

/**
 * The proxy; `native` makes it an init container that stays. The containers behind it wait for its postStart hook in either form:
 * a start-up probe is not asked before the kubelet has looked at its containers (each second), then only each second, and what
 * waits for it starts after the next such look, which is a second and more of every pod's start.
 */
export function proxyContainer(
  facts: AppFacts,
  settings: PodSettings,
  options: InjectOptions,
  native: boolean,
): Container {
  const ready = { httpGet: { path: '/ready', port: PORTS.health, scheme: 'HTTP' } };
  return {
    name: CONTAINERS.proxy,
    image: settings.image,
    imagePullPolicy: options.imagePullPolicy,
    ...(native ? { restartPolicy: 'Always' } : {}),
    args: settings.redirection === 'none' ? ['run', '--no-redirect'] : ['run'],
    env: proxyEnvironment(facts, settings, options),
    ports: [{ name: HEALTH_PORT_NAME, containerPort: PORTS.health, protocol: 'TCP' }],
    resources: structuredClone(settings.resources),
    // As often as Kubernetes can: a pod is ready when its proxy is, and half a period later on the average.
    readinessProbe: { ...structuredClone(ready), periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 30 },
    ...(native || settings.redirection === 'proxy' || options.holdApplicationUntilProxyStarts
      ? { lifecycle: { postStart: { exec: { command: ['weft-proxy', 'wait'] } } } }
      : {}),
    securityContext: proxySecurity(settings),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: VOLUMES.token, mountPath: MOUNTS.token, readOnly: true },
      { name: VOLUMES.trust, mountPath: MOUNTS.trust, readOnly: true },
      { name: VOLUMES.state, mountPath: MOUNTS.state },
    ],
  };
}

/** Volumes of the containers above. The proxy's last snapshot stays in memory, off the node's disk. */
export function addedVolumes(options: InjectOptions, withRunApp: boolean): Volume[] {
  const token = {
    audience: options.tokenAudience,
    expirationSeconds: options.tokenLifetimeSeconds,
    path: PATHS.token.slice(MOUNTS.token.length + 1),
  };
  const key = PATHS.rootCertificate.slice(MOUNTS.trust.length + 1);
  const volumes: Volume[] = [
    { name: VOLUMES.token, projected: { sources: [{ serviceAccountToken: token }] } },
    { name: VOLUMES.trust, configMap: { name: options.trustConfigMap, items: [{ key, path: key }] } },
    { name: VOLUMES.state, emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
  ];
  if (withRunApp) volumes.push({ name: VOLUMES.runApp, emptyDir: { sizeLimit: '8Mi' } });
  return volumes;
}

/**
 * To write packet rules it needs NET_ADMIN and NET_RAW, to call the app from its clients' addresses the latter, and Kubernetes
 * gives them to nobody but root. It begins as that, becomes its own user at once and keeps NET_RAW where it calls from others'
 * addresses.
 */
function proxySecurity(settings: PodSettings): Record<string, unknown> {
  if (!startsAsRoot(settings)) return lockedDown(PROXY_UID);
  const rights = ['NET_RAW', 'SETGID', 'SETUID'];
  return {
    ...lockedDown(0),
    runAsNonRoot: false,
    capabilities: {
      drop: ['ALL'],
      add: settings.redirection === 'proxy' ? ['NET_ADMIN', ...rights] : rights,
    },
  };
}

function lockedDown(uid: number): Record<string, unknown> {
  return {
    runAsUser: uid,
    runAsGroup: uid,
    runAsNonRoot: true,
    privileged: false,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

type EnvironmentEntry = { readonly name: string; readonly value?: string; readonly valueFrom?: unknown };

function proxyEnvironment(
  facts: AppFacts,
  settings: PodSettings,
  options: InjectOptions,
): EnvironmentEntry[] {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const entries: EnvironmentEntry[] = [
    field(ENVIRONMENT.podName, 'metadata.name'),
    field(ENVIRONMENT.podNamespace, 'metadata.namespace'),
    field(ENVIRONMENT.podIps, 'status.podIPs'),
    field(ENVIRONMENT.serviceAccount, 'spec.serviceAccountName'),
    field(ENVIRONMENT.nodeName, 'spec.nodeName'),
    { name: ENVIRONMENT.controlPlane, value: options.controlPlane },
    { name: ENVIRONMENT.controlPlaneIdentity, value: options.controlPlaneIdentity },
    { name: ENVIRONMENT.trustDomain, value: options.trustDomain },
    { name: ENVIRONMENT.clusterDomain, value: options.clusterDomain },
    { name: ENVIRONMENT.rootCertificate, value: PATHS.rootCertificate },
    { name: ENVIRONMENT.token, value: PATHS.token },
    { name: ENVIRONMENT.state, value: PATHS.state },
    { name: ENVIRONMENT.logLevel, value: settings.logLevel },
    { name: ENVIRONMENT.accessLog, value: settings.accessLog },
  ];
  if (settings.redirection === 'proxy') {
    entries.push({ name: ENVIRONMENT.packetRules, value: 'write' });
    for (const [name, value] of entriesOf(settings.redirectLists))
      entries.push({ name: ENVIRONMENT[name], value });
  }
  if (settings.clientAddresses === 'keep')
    entries.push({ name: ENVIRONMENT.clientAddresses, value: settings.clientAddresses });
  if (settings.concurrency !== undefined)
    entries.push({ name: ENVIRONMENT.concurrency, value: settings.concurrency });
  if (settings.liveUpgrade !== undefined)
    entries.push({ name: ENVIRONMENT.liveUpgrade, value: settings.liveUpgrade });
  if (settings.requestRecord !== undefined)
    entries.push({ name: ENVIRONMENT.requestRecord, value: settings.requestRecord });
  if (settings.slowRequests !== undefined)
    entries.push({ name: ENVIRONMENT.slowRequests, value: settings.slowRequests });
  for (const name of [
    'maxConnectionAge',
    'maxConnectionAgeGrace',
    'http2MaxStreams',
    'http2MaxHeaders',
  ] as const) {
    const value = settings[name];
    if (value !== undefined) entries.push({ name: ENVIRONMENT[name], value });
  }
  const json = (name: string, value: unknown) =>
    entries.push({ name, value: literal(JSON.stringify(value)) });
  if (Object.keys(facts.probes).length > 0) json(ENVIRONMENT.probes, facts.probes);
  if (facts.appMetrics) json(ENVIRONMENT.appMetrics, facts.appMetrics);
  if (facts.exitWithApp) json(ENVIRONMENT.exitWithApp, facts.exitWithApp);
  return entries;
}

/** The kubelet expands `$(NAME)` in values of variables; doubling the dollar keeps a probe's path as it was written. */
function literal(value: string): string {
  return value.replaceAll('$(', '$$$$(');
}
