import { canonicalAddress, isIpAddress, type Labels, type ServicePort } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { protocolOf } from './protocol.ts';

/** v1 Service but for its annotations. */
export const serviceTranslator: KindTranslator = { kind: 'Service', translate: translateService };

function translateService(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { name, namespace = '' } = object.metadata;
  const { cluster } = context.site;
  const spec = fieldsOf(object, 'spec', report);
  const type = spec.text('type') ?? 'ClusterIP';
  const externalName = type === 'ExternalName' ? spec.text('externalName')?.replace(/\.$/, '') : undefined;
  if (type === 'ExternalName' && !externalName) {
    report.error('field-invalid', 'spec.externalName', 'an ExternalName service needs spec.externalName');
  }
  const host = `${name}.${namespace}.svc.${context.clusterDomain}`;
  const selector = type === 'ExternalName' ? undefined : selectorOf(spec);
  const headless = type !== 'ExternalName' && spec.text('clusterIP') === 'None';
  const datagrams = portsOf(spec, 'UDP', selector !== undefined, report);
  return [
    {
      kind: 'service',
      service: {
        namespace,
        name,
        host,
        addresses: headless || externalName !== undefined ? [] : addressesOf(spec, object, report),
        ...(type === 'LoadBalancer' && { balancer: balancerOf(spec, object, report) }),
        headless,
        ...(externalName === undefined ? {} : { externalName }),
        ports: portsOf(spec, 'TCP', selector !== undefined, report),
        ...(selector && { selector }),
        ...(cluster !== undefined && { cluster }),
        from: report.object,
      },
      ...(datagrams.length > 0 && { datagrams }),
      publishNotReady: spec.flag('publishNotReadyAddresses') ?? false,
    },
  ];
}

/** Cluster, external and load-balancer addresses: kube-proxy takes traffic to any of them straight to the endpoints. */
function addressesOf(spec: Fields, object: KubeObject, report: Report): readonly string[] {
  const addresses = new Set<string>();
  const add = (address: string | undefined, path: string): void => {
    if (!address) return;
    if (isIpAddress(address)) addresses.add(canonicalAddress(address));
    else report.error('field-invalid', path, `${path}: '${address}' is no IP address`);
  };
  add(spec.text('clusterIP'), 'spec.clusterIP');
  for (const address of spec.texts('clusterIPs')) add(address, 'spec.clusterIPs');
  for (const address of spec.texts('externalIPs')) add(address, 'spec.externalIPs');
  const balancer = fieldsOf(object, 'status', report).object('loadBalancer');
  for (const ingress of balancer?.objects('ingress') ?? []) {
    // ipMode Proxy: traffic must pass the load balancer itself (KEP-1860).
    if (ingress.text('ipMode') !== 'Proxy') add(ingress.text('ip'), ingress.at('ip'));
  }
  return [...addresses];
}

/** Where clients outside of the cluster find it: what the balancer's maker says, and what the author says beside. */
function balancerOf(spec: Fields, object: KubeObject, report: Report): readonly string[] {
  const entries = fieldsOf(object, 'status', report).object('loadBalancer')?.objects('ingress') ?? [];
  const told = entries.flatMap(entry => entry.text('ip') || entry.text('hostname') || []);
  return [...new Set([...told, ...spec.texts('externalIPs')])];
}

/** An empty one selects nothing: Kubernetes makes no endpoints for it. */
function selectorOf(spec: Fields): Labels | undefined {
  const selector = spec.strings('selector');
  return selector && Object.keys(selector).length > 0 ? selector : undefined;
}

/** The mesh carries TCP, and gateways UDP, too; SCTP goes its own way. */
function portsOf(
  spec: Fields,
  carried: 'TCP' | 'UDP',
  selects: boolean,
  report: Report,
): readonly ServicePort[] {
  const ports: ServicePort[] = [];
  for (const port of spec.objects('ports')) {
    if ((port.text('protocol') ?? 'TCP') !== carried) continue;
    const number = port.port('port');
    const name = port.text('name') ?? '';
    if (number === undefined) {
      if (!port.has('port')) report.error('field-invalid', port.at('port'), `${port.at('port')} is missing`);
      continue;
    }
    if (ports.some(other => other.number === number)) {
      report.error('field-invalid', port.at('port'), `port ${number} is there twice; remove one`);
      continue;
    }
    const protocol = protocolOf(name, port.text('appProtocol'));
    const target = selects ? targetOf(port, number) : undefined;
    ports.push({ number, name, protocol, ...(target !== undefined && { target }) });
  }
  return ports;
}

/** Undefined where it is the Service's own number, as without the field. */
function targetOf(port: Fields, number: number): number | string | undefined {
  const text = port.isText('targetPort') ? port.text('targetPort')! : undefined;
  if (text !== undefined && text !== '' && !/^\d+$/.test(text)) return text;
  const target = text === undefined ? port.number('targetPort', { min: 0, max: 65_535 }) : Number(text);
  return target === number ? undefined : target || undefined;
}
