import type { EgressScope } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';

/** networking.istio.io Sidecar, v1alpha3, v1beta1 and v1: what its workloads may reach. */
export const sidecarTranslator: KindTranslator = {
  kind: 'Sidecar.networking.istio.io',
  translate: translateSidecar,
};

function translateSidecar(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const isRoot = context.rootNamespaces.includes(namespace);
  const spec = fieldsOf(object, 'spec', report);
  const selector = spec.object('workloadSelector');
  const labels = selector?.strings('labels');
  selector?.refuseRest();
  const selected = labels && Object.keys(labels).length > 0;
  const hosts = readEgress(spec, { namespace, context }, report);
  const policy = spec.object('outboundTrafficPolicy');
  const mode = policy?.choice('mode', ['ALLOW_ANY', 'REGISTRY_ONLY']);
  policy?.unsupported('egressProxy', 'what is unknown goes straight to where the application wanted');
  policy?.rest();
  spec.unsupported('ingress', 'ports of the application are taken from its Services and its pod');
  spec.unsupported('inboundConnectionPool', 'limits on what comes in are not supported yet; use a RateLimit');
  spec.rest();
  if (isRoot && selected) {
    const message = `spec.workloadSelector: a Sidecar for the whole mesh (in ${namespace}) cannot select pods; it has no effect`;
    report.warn('policy-ignored', 'spec.workloadSelector', message);
    return [];
  }
  const scope: EgressScope = {
    namespace: isRoot ? '' : namespace,
    ...given({ selector: selected ? labels : undefined, hosts }),
    unknown: mode === 'REGISTRY_ONLY' ? 'refuse' : 'allow',
    from: report.object,
  };
  return [{ kind: 'policy', of: 'egressScopes', policy: scope, createdAt }];
}

/** `namespace/host` of all egress listeners together; undefined where there are none, which in Istio leaves everything. */
function readEgress(
  spec: Fields,
  { namespace, context }: { readonly namespace: string; readonly context: TranslateContext },
  report: Report,
): readonly string[] | undefined {
  const hosts = new Set<string>();
  const listeners = spec.objects('egress');
  for (const listener of listeners) {
    const written = listener.texts('hosts');
    written.forEach((host, index) => {
      const path = `${listener.at('hosts')}[${index}]`;
      const read = readHost(host, namespace, context);
      if (read === undefined) {
        const message = `${path}: '${host}' is not of the form namespace/host; write for example ./* or shop/reviews.shop.svc.cluster.local`;
        report.error('field-invalid', path, message);
      } else hosts.add(read);
    });
    if (written.length === 0) {
      const path = listener.at('hosts');
      report.error(
        'field-invalid',
        path,
        `${path} is missing; name hosts, or ./* for those of its namespace`,
      );
    }
    listener.unsupported('port', 'hosts are not told apart by port; they can be reached on all of theirs');
    listener.unsupported('bind', 'proxies listen on one address; connections are redirected there');
    listener.unsupported('captureMode', 'whether connections are redirected is decided by injection');
    listener.rest();
  }
  return listeners.length > 0 ? [...hosts] : undefined;
}

/** A host without a dot is a Service of the namespace before the slash, or of the Sidecar's own. */
function readHost(text: string, own: string, { clusterDomain }: TranslateContext): string | undefined {
  const slash = text.indexOf('/');
  const [from, host] = [text.slice(0, slash), text.slice(slash + 1).toLowerCase()];
  if (slash < 0 || !/^(\*|\.|~|~?[a-z0-9]([-a-z0-9]*[a-z0-9])?)$/.test(from)) return undefined;
  if (!/^(\*|\*\.[a-z0-9._-]+|[a-z0-9_]([a-z0-9._-]*[a-z0-9])?)$/.test(host)) return undefined;
  if (host.includes('.') || host === '*') return `${from}/${host}`;
  const namespace = from === '.' ? own : from.replace(/^~(?=.)/, '');
  return /^[*~]$/.test(namespace) ? `${from}/${host}` : `${from}/${host}.${namespace}.svc.${clusterDomain}`;
}
