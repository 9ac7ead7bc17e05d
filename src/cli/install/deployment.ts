// The control plane as a Deployment that fits restricted Pod Security.
import { DEFAULT_REVISION, PORTS, PROXY_UID, revisionNames } from '../../config/index.ts';
import { beyondParts } from './beyond.ts';
import { issuerParts } from './issuer.ts';
import { SETTINGS_FILE, selectorOf } from './names.ts';
import type { InstallOptions } from './options.ts';

type Json = Record<string, unknown>;

/** The Deployment. `labels` are those of everything installed, `marks` those of its revision's. */
export function deployment(options: InstallOptions, labels: Json, marks: Json = {}): Json {
  const selector = selectorOf(options.revision);
  const podLabels = { ...labels, ...selector };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: revisionNames(options.revision).injector,
      namespace: options.namespace,
      labels: { ...podLabels, ...marks },
    },
    spec: {
      replicas: options.replicas,
      revisionHistoryLimit: 3,
      selector: { matchLabels: { ...selector } },
      // The new pod answers before the old one goes, so that injection is never away during an upgrade.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: {
          labels: podLabels,
          annotations: {
            'prometheus.io/scrape': 'true',
            'prometheus.io/port': String(PORTS.controlPlaneMetrics),
            'prometheus.io/path': '/metrics',
            ...issuerParts(options).annotations,
          },
        },
        spec: podSpec(options),
      },
    },
  };
}

function podSpec(options: InstallOptions): Json {
  const names = revisionNames(options.revision);
  return {
    serviceAccountName: names.injector,
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    terminationGracePeriodSeconds: 30,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: PROXY_UID,
      runAsGroup: PROXY_UID,
      fsGroup: PROXY_UID,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...spread(options.revision),
    containers: [container(options)],
    volumes: [
      { name: 'settings', configMap: { name: names.settings } },
      ...issuerParts(options).volumes,
      ...beyondParts(options).volumes,
    ],
  };
}

/** On different nodes and zones where there are any; never so strictly that a small cluster cannot run it. */
function spread(revision: string): Json {
  const labelSelector = { matchLabels: selectorOf(revision) };
  return {
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { labelSelector, topologyKey: 'kubernetes.io/hostname' } },
        ],
      },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: structuredClone(labelSelector),
      },
    ],
  };
}

function container(options: InstallOptions): Json {
  const port = PORTS.controlPlaneMetrics;
  const { cpuRequest, memoryRequest, cpuLimit, memoryLimit } = options.resources;
  const limits = {
    ...(cpuLimit === undefined ? {} : { cpu: cpuLimit }),
    ...(memoryLimit === undefined ? {} : { memory: memoryLimit }),
  };
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  return {
    name: 'weft-injector',
    image: options.image,
    imagePullPolicy: options.imagePullPolicy,
    args: [
      '--source=kubernetes',
      ...(options.revision === DEFAULT_REVISION ? [] : [`--revision=${options.revision}`]),
      `--injection-settings=${SETTINGS_FILE}`,
      `--trust-domain=${options.trustDomain}`,
      `--cluster-domain=${options.clusterDomain}`,
      `--certificate-lifetime=${options.certificateLifetime}`,
      `--log-level=${options.logLevel}`,
      ...issuerParts(options).args,
      ...(options.deployGateways === '' ? [] : [`--deploy-gateways=${options.deployGateways}`]),
      ...beyondParts(options).args,
    ],
    env: [field('POD_NAME', 'metadata.name'), field('POD_NAMESPACE', 'metadata.namespace')],
    ports: [
      { name: 'https-webhook', containerPort: PORTS.webhook, protocol: 'TCP' },
      { name: 'tls-discovery', containerPort: PORTS.discovery, protocol: 'TCP' },
      { name: 'http-metrics', containerPort: port, protocol: 'TCP' },
      { name: 'https-live', containerPort: PORTS.live, protocol: 'TCP' },
    ],
    startupProbe: {
      httpGet: { path: '/live', port },
      // A probe before anything listens is an event of type Warning at every start, which looks like a failure.
      initialDelaySeconds: 3,
      periodSeconds: 1,
      timeoutSeconds: 3,
      failureThreshold: 60,
    },
    readinessProbe: { httpGet: { path: '/ready', port }, periodSeconds: 2, timeoutSeconds: 3 },
    livenessProbe: {
      httpGet: { path: '/live', port },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    // Until the API server and the proxies have learned that this pod is going.
    lifecycle: { preStop: { exec: { command: ['node', '-e', 'setTimeout(() => {}, 5000)'] } } },
    resources: {
      requests: { cpu: cpuRequest, memory: memoryRequest },
      ...(Object.keys(limits).length > 0 ? { limits } : {}),
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      privileged: false,
      capabilities: { drop: ['ALL'] },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: 'settings', mountPath: '/etc/weft', readOnly: true },
      ...issuerParts(options).volumeMounts,
      ...beyondParts(options).volumeMounts,
    ],
  };
}
