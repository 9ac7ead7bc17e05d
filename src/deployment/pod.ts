import { ENVIRONMENT, PATHS, PORTS, PROXY_UID, revisionNames } from '../config/index.ts';
import type { Labels } from '../model/index.ts';
import type { DeploymentPlan, Installation } from './deployment-plan.ts';
import { PORT_OFFSET } from './ports.ts';

type Json = Record<string, unknown>;

/** What the pod is called by. */
interface PodNames {
  readonly full: string;
  readonly selector: Labels;
  readonly labels: Labels;
}

const tokenFolder = PATHS.token.slice(0, PATHS.token.lastIndexOf('/'));
const trustFolder = PATHS.rootCertificate.slice(0, PATHS.rootCertificate.lastIndexOf('/'));
/** ConfigMap with the roots, in every meshed namespace. */
const trustConfigMap = 'weft-trust';

/** Where Istio's own gateways have certificates as files, from Secrets beside them that need not be there. */
const mountedSecrets = ['certs', 'ca-certs'].map(each => ({
  name: `ingressgateway-${each}`,
  secretName: `istio-ingressgateway-${each}`,
  mountPath: `/etc/istio/ingressgateway-${each}`,
}));

/** A gateway's pod, which fits restricted Pod Security. */
export function podTemplate(plan: DeploymentPlan, installation: Installation, names: PodNames): Json {
  return {
    metadata: {
      labels: { ...names.labels, 'weft.dev/inject': 'false' },
      annotations: {
        ...plan.annotations,
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': String(PORTS.health),
        'prometheus.io/path': '/stats/prometheus',
      },
    },
    spec: podSpec(plan, installation, names),
  };
}

function podSpec(plan: DeploymentPlan, installation: Installation, { full, selector }: PodNames): Json {
  const key = PATHS.rootCertificate.slice(trustFolder.length + 1);
  const token = {
    ...{ audience: 'weft', expirationSeconds: 43_200, path: PATHS.token.slice(tokenFolder.length + 1) },
  };
  const { nodeSelector = {}, tolerations, priorityClassName } = plan.settings;
  return {
    serviceAccountName: full,
    automountServiceAccountToken: false,
    nodeSelector: { 'kubernetes.io/os': 'linux', ...nodeSelector },
    ...(tolerations !== undefined && { tolerations }),
    ...(priorityClassName !== undefined && { priorityClassName }),
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
    containers: [container(plan, installation)],
    volumes: [
      { name: 'token', projected: { sources: [{ serviceAccountToken: token }] } },
      { name: 'trust', configMap: { name: trustConfigMap, items: [{ key, path: key }] } },
      { name: 'state', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
      ...mountedSecrets.map(({ name, secretName }) => ({ name, secret: { secretName, optional: true } })),
    ],
  };
}

function container(plan: DeploymentPlan, installation: Installation): Json {
  const { namespace, name, settings, owner } = plan;
  // Listeners come and go while proxies run: no port is written down where the control plane keeps the Deployment.
  const ports = owner === undefined ? plan.ports : [];
  const { cpuRequest = '100m', memoryRequest = '128Mi', cpuLimit, memoryLimit = '1Gi' } = settings;
  return {
    name: 'weft-proxy',
    image: installation.proxyImage,
    imagePullPolicy: installation.imagePullPolicy,
    args: ['gateway', '--gateway', `${namespace}/${name}`, '--port-offset', String(PORT_OFFSET)],
    env: environment(settings, installation),
    ports: [
      { name: 'weft-health', containerPort: PORTS.health, protocol: 'TCP' },
      ...ports.map(({ port, protocol }) => ({
        name: `${protocol === 'UDP' ? 'udp' : 'port'}-${port}`,
        containerPort: port + PORT_OFFSET,
        protocol,
      })),
    ],
    readinessProbe: {
      httpGet: { path: '/ready', port: PORTS.health, scheme: 'HTTP' },
      ...{ periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 2 },
    },
    resources: {
      requests: { cpu: cpuRequest, memory: memoryRequest },
      limits: { ...(cpuLimit !== undefined && { cpu: cpuLimit }), memory: memoryLimit },
    },
    securityContext: {
      ...{ privileged: false, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ['ALL'] },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: 'token', mountPath: tokenFolder, readOnly: true },
      { name: 'trust', mountPath: trustFolder, readOnly: true },
      { name: 'state', mountPath: PATHS.state },
      ...mountedSecrets.map(({ name, mountPath }) => ({ name, mountPath, readOnly: true })),
    ],
  };
}

function environment(
  { concurrency, logLevel, accessLog }: DeploymentPlan['settings'],
  installation: Installation,
): readonly Json[] {
  const field = (name: string, fieldPath: string): Json => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const { systemNamespace, trustDomain, clusterDomain, revision } = installation;
  const { injector } = revisionNames(revision);
  return [
    field(ENVIRONMENT.podName, 'metadata.name'),
    field(ENVIRONMENT.podNamespace, 'metadata.namespace'),
    field(ENVIRONMENT.podIps, 'status.podIPs'),
    field(ENVIRONMENT.serviceAccount, 'spec.serviceAccountName'),
    field(ENVIRONMENT.nodeName, 'spec.nodeName'),
    { name: ENVIRONMENT.controlPlane, value: `${injector}.${systemNamespace}.svc:${PORTS.discovery}` },
    {
      name: ENVIRONMENT.controlPlaneIdentity,
      value: `spiffe://${trustDomain}/ns/${systemNamespace}/sa/${injector}`,
    },
    { name: ENVIRONMENT.trustDomain, value: trustDomain },
    { name: ENVIRONMENT.clusterDomain, value: clusterDomain },
    { name: ENVIRONMENT.rootCertificate, value: PATHS.rootCertificate },
    { name: ENVIRONMENT.token, value: PATHS.token },
    { name: ENVIRONMENT.state, value: PATHS.state },
    { name: ENVIRONMENT.logLevel, value: logLevel ?? installation.logLevel },
    { name: ENVIRONMENT.accessLog, value: accessLog ?? installation.accessLog },
    ...(concurrency === undefined ? [] : [{ name: ENVIRONMENT.concurrency, value: String(concurrency) }]),
  ];
}
