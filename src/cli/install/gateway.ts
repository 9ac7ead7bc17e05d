// A gateway in its namespace: its proxies, the Service in front of them, and the right of the control plane to read the
// certificates there.
import { ENVIRONMENT, PATHS, PORTS, PROXY_UID } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { GATEWAY_CLASS } from '../../model/index.ts';
import { NAMES, PART_OF } from './names.ts';
import type { Manifest } from './objects.ts';
import type { InstallOptions } from './options.ts';

type Json = Record<string, unknown>;

/** Which gateway, and the ports that its Service has. */
export interface GatewayPlan {
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly number[];
  /** Whose Secrets its Ingresses may name beside those of its own namespace. */
  readonly secrets: 'all' | readonly string[];
}

/** Proxies are no root, and open every port this much higher. */
const PORT_OFFSET = 8000;
const tokenFolder = PATHS.token.slice(0, PATHS.token.lastIndexOf('/'));
const trustFolder = PATHS.rootCertificate.slice(0, PATHS.rootCertificate.lastIndexOf('/'));

/** `shop/edge`, with ports `80,443` and secrets of `blog,vault` or `all`. Throws a WeftError that says what is taken. */
export function gatewayPlan(gateway: string, ports: string, secrets = ''): GatewayPlan {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(gateway) ?? [];
  if (namespace === undefined || name === undefined)
    throw new WeftError(
      'bad-configuration',
      `--gateway is '${gateway}'; it takes NAMESPACE/NAME of a Gateway`,
      {
        source: 'config',
      },
    );
  const numbers = ports.split(',').map(Number);
  if (!numbers.every(each => Number.isInteger(each) && each > 0 && each + PORT_OFFSET <= 65_535))
    throw new WeftError('bad-configuration', `--gateway-ports is '${ports}'; it takes ports such as 80,443`, {
      source: 'config',
    });
  const namespaces = secrets === '' ? [] : secrets.split(',').map(each => each.trim());
  if (!namespaces.every(each => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(each)))
    throw new WeftError(
      'bad-configuration',
      `--ingress-secrets is '${secrets}'; it takes namespaces such as shop,blog, or all`,
      { source: 'config' },
    );
  const others = namespaces.filter(each => each !== namespace);
  return { namespace, name, ports: numbers, secrets: others.includes('all') ? 'all' : others };
}

/** The right of the control plane to read the Secrets of a namespace, or without one those of the whole cluster. */
function secretsRight(
  options: InstallOptions,
  namespace: string | undefined,
): readonly [role: Manifest, binding: Manifest] {
  const metadata = {
    name: `${NAMES.injector}-certificates`,
    ...(namespace !== undefined && { namespace }),
    labels: { ...PART_OF },
  };
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  return [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind,
      metadata,
      rules: [{ apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['list', 'watch'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: NAMES.injector, namespace: options.namespace }],
    },
  ];
}

/** Everything but the Gateway itself. */
export function gatewayObjects(options: InstallOptions, plan: GatewayPlan): readonly Manifest[] {
  const { namespace, name } = plan;
  const full = `${name}-${GATEWAY_CLASS}`;
  const selector = { 'gateway.networking.k8s.io/gateway-name': name };
  const labels = { ...PART_OF, 'app.kubernetes.io/name': full, ...selector };
  const metadata = { name: full, namespace, labels };
  const readable = plan.secrets === 'all' ? [undefined] : [namespace, ...plan.secrets];
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    ...readable.flatMap(each => secretsRight(options, each)),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'LoadBalancer',
        // The client's address stays, and no node forwards to another one.
        externalTrafficPolicy: 'Local',
        selector,
        ports: plan.ports.map(port => ({
          ...{ name: `port-${port}`, port, targetPort: port + PORT_OFFSET, protocol: 'TCP' },
        })),
      },
    },
    {
      apiVersion: options.kubernetesVersion === '1.20' ? 'policy/v1beta1' : 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata,
      spec: { maxUnavailable: 1, selector: { matchLabels: selector } },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 2,
        selector: { matchLabels: selector },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: {
            labels: { ...labels, 'weft.dev/inject': 'false' },
            annotations: {
              'prometheus.io/scrape': 'true',
              'prometheus.io/port': String(PORTS.health),
              'prometheus.io/path': '/stats/prometheus',
            },
          },
          spec: podSpec(options, plan, full, selector),
        },
      },
    },
  ];
}

function podSpec(
  options: InstallOptions,
  { namespace, name, ports }: GatewayPlan,
  full: string,
  selector: Json,
): Json {
  const key = PATHS.rootCertificate.slice(trustFolder.length + 1);
  const token = {
    ...{ audience: 'weft', expirationSeconds: 43_200, path: PATHS.token.slice(tokenFolder.length + 1) },
  };
  return {
    serviceAccountName: full,
    automountServiceAccountToken: false,
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    // Requests under way end first; those that take longer are cut off then.
    terminationGracePeriodSeconds: 120,
    securityContext: {
      ...{ runAsNonRoot: true, runAsUser: PROXY_UID, runAsGroup: PROXY_UID, fsGroup: PROXY_UID },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: {
              labelSelector: { matchLabels: selector },
              topologyKey: 'kubernetes.io/hostname',
            },
          },
        ],
      },
    },
    containers: [
      {
        name: 'weft-proxy',
        image: options.proxyImage,
        imagePullPolicy: options.imagePullPolicy,
        args: ['gateway', '--gateway', `${namespace}/${name}`, '--port-offset', String(PORT_OFFSET)],
        env: environment(options),
        ports: [
          { name: 'weft-health', containerPort: PORTS.health, protocol: 'TCP' },
          ...ports.map(port => ({
            name: `port-${port}`,
            containerPort: port + PORT_OFFSET,
            protocol: 'TCP',
          })),
        ],
        readinessProbe: {
          httpGet: { path: '/ready', port: PORTS.health, scheme: 'HTTP' },
          ...{ periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 2 },
        },
        resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '1Gi' } },
        securityContext: {
          ...{ privileged: false, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
          capabilities: { drop: ['ALL'] },
        },
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: [
          { name: 'token', mountPath: tokenFolder, readOnly: true },
          { name: 'trust', mountPath: trustFolder, readOnly: true },
          { name: 'state', mountPath: PATHS.state },
        ],
      },
    ],
    volumes: [
      { name: 'token', projected: { sources: [{ serviceAccountToken: token }] } },
      { name: 'trust', configMap: { name: NAMES.trust, items: [{ key, path: key }] } },
      { name: 'state', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
    ],
  };
}

function environment(options: InstallOptions): readonly Json[] {
  const field = (name: string, fieldPath: string): Json => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const { namespace, trustDomain, clusterDomain } = options;
  return [
    field(ENVIRONMENT.podName, 'metadata.name'),
    field(ENVIRONMENT.podNamespace, 'metadata.namespace'),
    field(ENVIRONMENT.podIps, 'status.podIPs'),
    field(ENVIRONMENT.serviceAccount, 'spec.serviceAccountName'),
    field(ENVIRONMENT.nodeName, 'spec.nodeName'),
    { name: ENVIRONMENT.controlPlane, value: `${NAMES.injector}.${namespace}.svc:${PORTS.discovery}` },
    {
      name: ENVIRONMENT.controlPlaneIdentity,
      value: `spiffe://${trustDomain}/ns/${namespace}/sa/${NAMES.injector}`,
    },
    { name: ENVIRONMENT.trustDomain, value: trustDomain },
    { name: ENVIRONMENT.clusterDomain, value: clusterDomain },
    { name: ENVIRONMENT.rootCertificate, value: PATHS.rootCertificate },
    { name: ENVIRONMENT.token, value: PATHS.token },
    { name: ENVIRONMENT.state, value: PATHS.state },
    { name: ENVIRONMENT.logLevel, value: options.proxyLogLevel },
    { name: ENVIRONMENT.accessLog, value: options.accessLog },
  ];
}
