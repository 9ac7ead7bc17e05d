import { canonicalAddress, type Endpoint, isIpAddress, objectKey, type Site } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { Fields } from '../fields.ts';
import type { EndpointsPart, Part } from '../part.ts';
import type { Report } from '../report.ts';

/** v1 Endpoints: what clusters before EndpointSlices have, and what people write by hand. */
export const endpointsTranslator: KindTranslator = { kind: 'Endpoints', translate: translateEndpoints };

/** discovery.k8s.io EndpointSlice, v1 and v1beta1. */
export const endpointSliceTranslator: KindTranslator = {
  kind: 'EndpointSlice.discovery.k8s.io',
  translate: translateSlice,
};

type Address = Omit<Endpoint, 'port'>;

function translateEndpoints(object: KubeObject, { site }: TranslateContext, report: Report): readonly Part[] {
  const { name, namespace = '' } = object.metadata;
  const top = new Fields(object, '', report);
  return top.objects('subsets').map((subset): EndpointsPart => {
    const read = (list: string, ready: boolean): readonly Address[] =>
      subset.objects(list).flatMap(fields => {
        const address = fields.text('ip');
        if (!isAddress(address, fields.at('ip'), report)) return [];
        return [
          {
            address: canonicalAddress(address),
            ready,
            serving: ready,
            terminating: false,
            ...whereabouts(fields, namespace, site),
          },
        ];
      });
    return {
      kind: 'endpoints',
      service: objectKey({ ...site, namespace, name }),
      rank: 1,
      ports: portsOf(subset, 'TCP', report),
      ...datagramsOf(subset, report),
      endpoints: [...read('addresses', true), ...read('notReadyAddresses', false)],
    };
  });
}

function translateSlice(object: KubeObject, { site }: TranslateContext, report: Report): readonly Part[] {
  const { namespace = '', labels } = object.metadata;
  const service = labels?.['kubernetes.io/service-name'];
  // Slices of others than Services are none of the mesh's business.
  if (!service) return [];
  const top = new Fields(object, '', report);
  const type = top.text('addressType');
  if (type === 'FQDN') {
    report.warn(
      'field-not-supported',
      'addressType',
      'addressType FQDN: endpoints that are names have no effect',
    );
    return [];
  }
  const endpoints = top.objects('endpoints').flatMap((fields): Address[] => {
    // All addresses of an endpoint are fungible, and consumers use the first (discovery/v1 Endpoint.addresses).
    const address = fields.texts('addresses')[0];
    if (!isAddress(address, fields.at('addresses'), report)) return [];
    return [
      {
        address: canonicalAddress(address),
        ...conditionsOf(fields),
        ...whereabouts(fields, namespace, site),
      },
    ];
  });
  const part: EndpointsPart = {
    kind: 'endpoints',
    service: objectKey({ ...site, namespace, name: service }),
    rank: 2,
    ports: portsOf(top, 'TCP', report),
    ...datagramsOf(top, report),
    endpoints,
  };
  return [part];
}

/** Unknown readiness counts as ready, unknown serving as ready is (discovery/v1 EndpointConditions). */
function conditionsOf(fields: Fields): Pick<Address, 'ready' | 'serving' | 'terminating'> {
  const conditions = fields.object('conditions');
  const ready = conditions?.flag('ready') ?? true;
  return {
    ready,
    serving: conditions?.flag('serving') ?? ready,
    terminating: conditions?.flag('terminating') ?? false,
  };
}

/** What both kinds say about where an endpoint lives. */
function whereabouts(
  fields: Fields,
  namespace: string,
  { cluster, network }: Site,
): Pick<Address, 'workload' | 'zone' | 'hostname' | 'network'> {
  const target = fields.object('targetRef');
  const pod = target?.text('kind') === 'Pod' ? target.text('name') : undefined;
  const podNamespace = pod === undefined ? '' : (target!.text('namespace') ?? namespace);
  const topology = fields.object('topology') ?? fields.object('deprecatedTopology');
  const zone = fields.text('zone') ?? topology?.text('topology.kubernetes.io/zone');
  const hostname = fields.text('hostname');
  return {
    ...(pod === undefined
      ? {}
      : {
          workload: objectKey({
            ...(cluster !== undefined && { cluster }),
            namespace: podNamespace,
            name: pod,
          }),
        }),
    ...(zone === undefined ? {} : { zone }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(network !== undefined && { network }),
  };
}

function datagramsOf(fields: Fields, report: Report): Pick<EndpointsPart, 'datagrams'> {
  const datagrams = portsOf(fields, 'UDP', report);
  return datagrams.length === 0 ? {} : { datagrams };
}

function portsOf(fields: Fields, carried: 'TCP' | 'UDP', report: Report): EndpointsPart['ports'] {
  return fields.objects('ports').flatMap(port => {
    if ((port.text('protocol') ?? 'TCP') !== carried) return [];
    const name = port.text('name') ?? '';
    const number = port.port('port');
    if (number !== undefined) return [{ name, number }];
    if (!port.has('port')) {
      report.warn(
        'field-not-supported',
        port.at('port'),
        `${port.at('port')}: a port for all numbers has no effect`,
      );
    }
    return [];
  });
}

function isAddress(address: string | undefined, path: string, report: Report): address is string {
  if (address !== undefined && isIpAddress(address)) return true;
  report.error('field-invalid', path, `${path}: '${address ?? ''}' is no IP address`);
  return false;
}
