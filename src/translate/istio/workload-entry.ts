import { ANNOTATIONS } from '../../config/names.ts';
import {
  canonicalAddress,
  isIpAddress,
  machineName,
  type Workload,
  type WorkloadPort,
} from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import { canonicalApp, canonicalVersion } from '../kubernetes/pod.ts';
import { protocolOf } from '../kubernetes/protocol.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';

/** networking.istio.io WorkloadEntry, v1alpha3, v1beta1 and v1: a machine outside of the cluster. */
export const workloadEntryTranslator: KindTranslator = {
  kind: 'WorkloadEntry.networking.istio.io',
  translate: translateWorkloadEntry,
};

function translateWorkloadEntry(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { name, namespace = '', annotations = {} } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const address = addressOf(spec, report);
  const labels = { ...object.metadata.labels, ...spec.strings('labels') };
  const optional = given({
    weight: spec.number('weight') || undefined,
    locality: spec.text('locality') || undefined,
    tunnelPort: Number(annotations[ANNOTATIONS.tunnelPort]) || undefined,
  });
  const serviceAccount = spec.text('serviceAccount') || 'default';
  const ports = portsOf(spec);
  spec.unsupported('network', 'several networks are not supported yet; the machine must be reachable');
  spec.rest();
  if (address === undefined) return [];
  const workload: Workload = {
    namespace,
    name: machineName(name),
    addresses: [canonicalAddress(address)],
    identity: { trustDomain: context.trustDomain, namespace, serviceAccount },
    labels,
    owner: { kind: 'WorkloadEntry', name },
    app: canonicalApp(labels) ?? name,
    version: canonicalVersion(labels) ?? 'latest',
    ports,
    // Istio's label of who speaks mutual TLS, which its own registration sets; inject's annotation does too.
    meshed: labels['security.istio.io/tlsMode'] === 'istio' || ANNOTATIONS.status in annotations,
    ...healthOf(object, report, annotations[HEALTH_CHECKED] === 'true'),
    ...optional,
    ...context.site,
    from: report.object,
  };
  // Without an age: an address that a pod has is the pod's, whatever an entry says.
  return [{ kind: 'workload', workload, terminating: false, createdAt: '' }];
}

function addressOf(spec: Fields, report: Report): string | undefined {
  const address = spec.text('address');
  if (address !== undefined && isIpAddress(address)) return address;
  const path = spec.at('address');
  const why = address === undefined ? 'is missing' : `is '${address}'`;
  report.error('field-invalid', path, `${path} ${why}; give the IP address of the machine`);
  return undefined;
}

function portsOf(spec: Fields): readonly WorkloadPort[] {
  const ports = spec.object('ports');
  return (ports?.names() ?? []).flatMap(name => {
    const number = ports!.port(name);
    return number === undefined ? [] : [{ number, name, protocol: protocolOf(name) }];
  });
}

/** Istio's annotation of entries whose machines are asked how they are. */
const HEALTH_CHECKED = 'proxy.istio.io/health-checks-enabled';

/** Nobody who says nothing is ill, unless somebody is about to ask. */
function healthOf(object: KubeObject, report: Report, isChecked: boolean): Pick<Workload, 'ready' | 'ill'> {
  const conditions = fieldsOf(object, 'status', report).objects('conditions');
  const said = conditions.find(each => each.text('type') === 'Healthy')?.text('status');
  if (said === 'False') return { ready: false, ill: true };
  return { ready: !isChecked || said === 'True' };
}
