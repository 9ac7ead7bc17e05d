// Checks of the control plane and of the way from the API server to it.

import { X509Certificate } from 'node:crypto';
import { answerMessage, ENTRY_SUFFIX } from '../../../webhook/index.ts';
import { LABELS, PORTS, VERSION } from '../../config/index.ts';
import { errorMessage } from '../../errors/index.ts';
import { recordsOf } from '../../plain/index.ts';
import { NAMES } from '../install/index.ts';
import { installedVersion } from '../install/installed.ts';
import type { ApiObject } from '../kubernetes/objects.ts';
import { type Check, type CheckContext, error, type Finding, field, ok, skipped, warning } from './check.ts';

const running: Check = {
  id: 'control-plane',
  title: 'the control plane runs and is ready',
  async run(context) {
    const deployment = await context.deployment();
    if (deployment === undefined) {
      const where = `deployment ${context.names.injector} in namespace ${context.namespace}`;
      return [
        error(`there is no ${where}`, 'weft install | kubectl apply -f -, or name its namespace with -n'),
      ];
    }
    const wanted = Number(field(deployment, 'spec', 'replicas') ?? 1);
    const ready = Number(field(deployment, 'status', 'readyReplicas') ?? 0);
    const words = `${ready} of ${wanted} replicas are ready`;
    const look = `kubectl describe pods -n ${context.namespace} -l app.kubernetes.io/name=${context.names.injector}`;
    if (ready === 0)
      return [error(words, `${look}; kubectl logs -n ${context.namespace} deploy/${context.names.injector}`)];
    return [ready < wanted ? { ...warning(words, look), underWay: true } : ok(words)];
  },
};

const disruption: Check = {
  id: 'disruption-budget',
  title: 'a drained node never takes the last control plane with it',
  async run(context) {
    const deployment = await context.deployment();
    if (deployment === undefined) return [skipped('there is no control plane')];
    const replicas = Number(field(deployment, 'spec', 'replicas') ?? 1);
    if (replicas < 2) return [skipped('there is one replica')];
    const at = (version: string): Promise<readonly ApiObject[]> =>
      context.list(`/apis/policy/${version}/namespaces/${context.namespace}/poddisruptionbudgets`);
    const budgets = [...(await at('v1')), ...(await at('v1beta1'))];
    const covers = ({ spec }: ApiObject): boolean =>
      field(spec, 'selector', 'matchLabels', 'app.kubernetes.io/name') === context.names.injector;
    if (budgets.some(covers)) return [ok()];
    const { minor } = await context.version();
    const flag = Number.parseInt(minor ?? '', 10) < 21 ? ' --kubernetes-version 1.20' : '';
    return [
      warning(
        `there is no PodDisruptionBudget for the ${replicas} replicas, so that draining nodes may stop all at once`,
        `weft install${flag} | kubectl apply -f -`,
      ),
    ];
  },
};

const versions: Check = {
  id: 'versions',
  title: 'weft and the control plane are of one version',
  async run(context) {
    const deployment = await context.deployment();
    if (deployment === undefined) return [skipped('there is no control plane')];
    const installed = installedVersion([deployment], context.revision) ?? '(unknown)';
    if (installed === VERSION) return [ok(VERSION)];
    return [
      warning(
        `weft is ${VERSION}, the control plane is ${installed}`,
        'weft upgrade --dry-run shows the difference, weft upgrade | kubectl apply -f - makes it',
      ),
    ];
  },
};

const configuration: Check = {
  id: 'webhook-configuration',
  title: 'the API server is told to ask weft-injector, and whom to trust',
  async run(context) {
    const found = await context.configuration();
    if (found === undefined) {
      const remedy = 'weft install | kubectl apply -f -';
      return [
        error(
          `there is no MutatingWebhookConfiguration ${context.names.injector}: no pod is injected`,
          remedy,
        ),
      ];
    }
    const entries = recordsOf(found.webhooks).filter(({ name }) => String(name).endsWith(ENTRY_SUFFIX));
    if (entries.length === 0) {
      return [
        error(
          `MutatingWebhookConfiguration ${context.names.injector} has no entry of Weft's`,
          'apply weft install again',
        ),
      ];
    }
    const bundles = new Set(entries.map(entry => String(field(entry, 'clientConfig', 'caBundle') ?? '')));
    return [...bundles].flatMap(bundle => judgeBundle(bundle, context.namespace));
  },
};

const day = 86_400_000;

/** Whether a caBundle (base64 of PEM) is one to trust a server by, now and in a month. */
export function judgeBundle(bundle: string, namespace: string, nowMs = Date.now()): Finding[] {
  const remedy = `the control plane writes it within 30 s when it runs: kubectl logs -n ${namespace} deploy/${NAMES.injector}`;
  if (bundle === '')
    return [error('an entry has no caBundle, so the API server trusts no weft-injector', remedy)];
  const pems = Buffer.from(bundle, 'base64')
    .toString()
    .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  const ends: number[] = [];
  try {
    for (const pem of pems ?? []) ends.push(new X509Certificate(pem).validToDate.getTime());
  } catch (thrown) {
    return [error(`the caBundle is not readable: ${errorMessage(thrown)}`, remedy)];
  }
  if (ends.length === 0) return [error('the caBundle holds no certificate', remedy)];
  if (!ends.every(Number.isFinite))
    return [error('the caBundle holds a certificate whose end cannot be read', remedy)];
  const last = Math.max(...ends);
  const date = new Date(last).toISOString().slice(0, 10);
  if (last < nowMs)
    return [
      error(`the root in the caBundle ended on ${date}`, 'rotate the root of the mesh; see docs/install.md'),
    ];
  if (last < nowMs + 30 * day) {
    return [
      warning(`the root in the caBundle ends on ${date}`, 'rotate the root of the mesh; see docs/install.md'),
    ];
  }
  return [ok(`${ends.length === 1 ? 'one root' : `${ends.length} roots`}, good until ${date}`)];
}

const reach: Check = {
  id: 'webhook-reachable',
  title: 'a pod that is created is injected (tried with a dry run)',
  async run(context) {
    if ((await context.configuration()) === undefined) return [skipped('there is no webhook configuration')];
    const answer = await context.cluster.request({
      method: 'POST',
      path: '/api/v1/namespaces/default/pods',
      query: { dryRun: 'All' },
      timeoutMs: 15_000,
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          generateName: 'weft-check-',
          labels: { [LABELS.inject]: 'enabled', [LABELS.revision]: context.revision },
        },
        spec: { containers: [{ name: 'app', image: 'weft-check' }] },
      },
    });
    const remedy =
      `see that weft-injector runs, that no NetworkPolicy or firewall keeps the API server from its port ${PORTS.webhook}, ` +
      `and its log: kubectl logs -n ${context.namespace} deploy/${context.names.injector}`;
    if (answer.status >= 300)
      return [error(`the API server refused the pod: ${answerMessage(answer)}`, remedy)];
    const spec = field(answer.body, 'spec');
    const names = [...recordsOf(field(spec, 'containers')), ...recordsOf(field(spec, 'initContainers'))].map(
      ({ name }) => name,
    );
    if (names.includes('weft-proxy')) return [ok()];
    return [
      error('the pod came back without a proxy: the API server had no answer from weft-injector', remedy),
    ];
  },
};

const certificates: Check = {
  id: 'certificates',
  title: "the mesh's certificates are good for long enough",
  async run(context) {
    if ((await context.deployment()) === undefined) return [skipped('there is no control plane')];
    const service = `${context.names.injector}:${PORTS.controlPlaneMetrics}`;
    const path = `/api/v1/namespaces/${context.namespace}/services/${service}/proxy/debug/authority`;
    const answer = await context.cluster.request({ method: 'GET', path, timeoutMs: 5_000 });
    if (answer.status !== 200)
      return [skipped(`the control plane could not be asked: ${answerMessage(answer)}`)];
    return judgeExpiries(answer.body);
  },
};

/** Findings about `/debug/authority` of the control plane. */
export function judgeExpiries(body: unknown, nowMs = Date.now()): Finding[] {
  return recordsOf(field(body, 'expiries')).map(({ role, notAfterMs }) => {
    const leftMs = Number(notAfterMs) - nowMs;
    const date = Number.isFinite(leftMs)
      ? new Date(Number(notAfterMs)).toISOString().slice(0, 10)
      : '(unknown)';
    const remedy = 'rotate it before that; see docs/certificates.md';
    if (leftMs < 0)
      return error(`the ${String(role)} ended on ${date}`, 'rotate it now; see docs/certificates.md');
    if (leftMs < 30 * day) return warning(`the ${String(role)} ends on ${date}`, remedy);
    return ok(`the ${String(role)} is good until ${date}`);
  });
}

const trust: Check = {
  id: 'trust',
  title: 'every labelled namespace has the roots that its proxies start with',
  async run(context) {
    const missing: string[] = [];
    for (const name of await injectedNamespaces(context)) {
      const path = `/api/v1/namespaces/${name}/configmaps/${NAMES.trust}`;
      if ((await context.read(path)) === undefined) missing.push(name);
    }
    if (missing.length === 0) return [ok()];
    return [
      error(
        `ConfigMap ${NAMES.trust} is missing in ${missing.join(', ')}: pods with a proxy wait for it`,
        `the control plane writes it within seconds when it runs: kubectl logs -n ${context.namespace} deploy/${context.names.injector}`,
      ),
    ];
  },
};

/** Namespaces whose own marks ask for injection. */
export async function injectedNamespaces(context: CheckContext): Promise<string[]> {
  const { inject } = await context.settings();
  const names: string[] = [];
  for (const [name, { labels, annotations }] of await context.namespaces()) {
    if (name === context.namespace || inject.ignoredNamespaces.includes(name)) continue;
    const own = labels[LABELS.inject] ?? annotations[LABELS.inject];
    const istio =
      (labels[LABELS.istioInject] === 'enabled' ||
        (labels[LABELS.istioInject] === undefined && Boolean(labels[LABELS.istioRevision]))) &&
      inject.acceptedMeshes?.includes('istio');
    const linkerd =
      [labels[LABELS.linkerdInject], annotations[LABELS.linkerdInject]].includes('enabled') &&
      inject.acceptedMeshes?.includes('linkerd');
    const chooses = Boolean(labels[LABELS.revision]);
    if (own === 'enabled' || own === 'true' || (own === undefined && (chooses || istio || linkerd)))
      names.push(name);
  }
  return names.sort();
}

/** Checks that need an installed control plane. */
export const controlPlaneChecks: readonly Check[] = [
  running,
  disruption,
  versions,
  configuration,
  reach,
  certificates,
  trust,
];
