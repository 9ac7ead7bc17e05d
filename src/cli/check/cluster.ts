// Checks of the cluster itself: `weft check --pre` runs only these.

import { answerMessage } from '../../../webhook/index.ts';
import { recordsOf } from '../../plain/index.ts';
import { installObjects, installOptions, OLDEST_MINOR } from '../install/index.ts';
import { INSTALLED_KINDS } from '../kubernetes/objects.ts';
import { type Check, type CheckContext, error, type Finding, field, ok, skipped, warning } from './check.ts';

const reachable: Check = {
  id: 'api',
  title: 'the API server answers, in a version that Weft knows',
  async run(context) {
    const { major, minor, gitVersion } = await context.version();
    const number = Number.parseInt(minor ?? '', 10);
    const found = `${context.cluster.server} is Kubernetes ${gitVersion ?? '(unknown)'}`;
    if (Number(major) === 1 && number < OLDEST_MINOR) {
      return [error(found, `Weft needs 1.${OLDEST_MINOR} or newer; upgrade the cluster`)];
    }
    return [ok(found)];
  },
};

const manifests: Check = {
  id: 'manifests',
  title: 'the API server has every kind that weft install prints',
  async run(context) {
    const missing = new Set<string>();
    for (const { apiVersion, kind } of installObjects(installOptions({ namespace: context.namespace }))) {
      const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      const { plural = '' } = INSTALLED_KINDS.find(each => each.kind === kind) ?? {};
      const known = recordsOf((await context.read(group))?.resources).some(({ name }) => name === plural);
      if (!known) missing.add(`${plural} of ${apiVersion}`);
    }
    if (missing.size === 0) return [ok()];
    const { major, minor } = await context.version();
    const number = Number.parseInt(minor ?? '', 10);
    const old = Number(major) === 1 && number >= OLDEST_MINOR && number < 21;
    const remedy = old
      ? `weft install --kubernetes-version 1.${number} | kubectl apply -f -`
      : 'see kubectl api-resources; an API that is switched off must be switched on';
    return [error(`it has no ${[...missing].join(', ')}`, remedy)];
  },
};

const tokens: Check = {
  id: 'projected-tokens',
  title: 'ServiceAccount tokens can be projected for the audience weft',
  async run(context) {
    const core = await context.read('/api/v1');
    const has = recordsOf(core?.resources).some(({ name }) => name === 'serviceaccounts/token');
    if (has) return [ok()];
    return [
      error(
        'the API server has no TokenRequest API, so proxies cannot prove who they are',
        'start the API server with --service-account-issuer and --service-account-signing-key-file',
      ),
    ];
  },
};

const permissions: Check = {
  id: 'permissions',
  title: 'this account may create what weft install prints',
  async run(context) {
    const denied: string[] = [];
    const objects = installObjects(installOptions({ namespace: context.namespace }));
    for (const { apiVersion, kind, metadata } of objects) {
      const slash = apiVersion.indexOf('/');
      const group = slash < 0 ? '' : apiVersion.slice(0, slash);
      const path = INSTALLED_KINDS.find(each => each.kind === kind);
      const resource = path?.plural ?? '';
      const { namespace } = metadata;
      const resourceAttributes = {
        group,
        resource,
        verb: 'create',
        ...(namespace === undefined ? {} : { namespace }),
      };
      if (!(await mayI(context, resourceAttributes)))
        denied.push(group === '' ? resource : `${resource}.${group}`);
    }
    const unique = [...new Set(denied)];
    if (unique.length === 0) return [ok()];
    return [
      error(
        `this account may not create ${unique.join(', ')}`,
        'install with an account of the role cluster-admin',
      ),
    ];
  },
};

async function mayI(context: CheckContext, resourceAttributes: object): Promise<boolean> {
  const kind = 'SelfSubjectAccessReview';
  const answer = await context.cluster.request({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: { apiVersion: 'authorization.k8s.io/v1', kind, spec: { resourceAttributes } },
  });
  return answer.status < 300 && field(answer.body, 'status', 'allowed') === true;
}

/** More than this and fresh certificates may be refused. */
const maxQuietSkewMs = 120_000;

const clock: Check = {
  id: 'clock',
  title: 'the clocks of this machine and of the API server agree',
  async run(context) {
    const beforeMs = Date.now();
    const answer = await context.cluster.request({
      method: 'POST',
      path: '/api/v1/namespaces/default/configmaps',
      query: { dryRun: 'All' },
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'weft-check-' } },
    });
    const stamp = field(answer.body, 'metadata', 'creationTimestamp');
    if (answer.status >= 300 || typeof stamp !== 'string') {
      return [skipped(`the time of the API server is not known: ${answerMessage(answer)}`)];
    }
    // The stamp has whole seconds.
    const aheadMs = Date.parse(stamp) - beforeMs;
    if (aheadMs > -maxQuietSkewMs && aheadMs < maxQuietSkewMs) return [ok()];
    const words = `the API server's clock is ${Math.abs(Math.round(aheadMs / 1000))} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`;
    return [
      warning(words, 'set the clocks by NTP; certificates are good for clocks up to five minutes apart'),
    ];
  },
};

/** Configurations by which other meshes inject. */
const otherMeshes: Readonly<Record<string, string>> = {
  'istio-sidecar-injector': 'Istio',
  'linkerd-proxy-injector-webhook-config': 'Linkerd',
  'consul-connect-injector': 'Consul',
  'kuma-admission-mutating-webhook-configuration': 'Kuma',
};

const others: Check = {
  id: 'other-meshes',
  title: 'no other mesh injects into the same pods',
  async run(context) {
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    const findings: Finding[] = [];
    for (const { metadata } of await context.list(path)) {
      const mesh = Object.entries(otherMeshes).find(([prefix]) => metadata.name.startsWith(prefix))?.[1];
      if (mesh === undefined) continue;
      findings.push(
        warning(
          `${mesh} injects into this cluster too (${metadata.name})`,
          'do not label one namespace for both; install without --accept-labels while both run',
        ),
      );
    }
    return findings;
  },
};

/** What must be true before an installation, and stays worth checking after it. */
export const clusterChecks: readonly Check[] = [reachable, tokens, clock, others];

/** What must be true before an installation alone. */
export const installChecks: readonly Check[] = [manifests, permissions];
