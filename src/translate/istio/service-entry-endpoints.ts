import { type ExternalService, isIpAddress } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';

type EntryEndpoint = ExternalService['endpoints'][number];

/** The endpoints of a ServiceEntry (Istio's WorkloadEntry, inline). */
export function readEntryEndpoints(
  spec: Fields,
  resolution: ExternalService['resolution'],
  report: Report,
): readonly EntryEndpoint[] {
  return spec.objects('endpoints').flatMap(each => readEndpoint(each, resolution, report) ?? []);
}

function readEndpoint(
  endpoint: Fields,
  resolution: ExternalService['resolution'],
  report: Report,
): EntryEndpoint | undefined {
  const address = endpoint.text('address');
  const ports = endpoint.object('ports');
  const numbers = (ports?.names() ?? []).flatMap(name => {
    const number = ports!.port(name);
    return number === undefined ? [] : [[name, number] as const];
  });
  const labels = endpoint.strings('labels') ?? {};
  const optional = given({
    weight: endpoint.number('weight') || undefined,
    locality: endpoint.text('locality') || undefined,
    serviceAccount: endpoint.text('serviceAccount') || undefined,
  });
  endpoint.unsupported('network', 'several networks are not supported yet; the endpoint must be reachable');
  endpoint.rest();
  const path = endpoint.at('address');
  if (address === undefined) {
    if (!endpoint.has('address')) report.error('field-invalid', path, `${path} is missing; say where it is`);
    return undefined;
  }
  const problem = addressProblem(address, resolution);
  if (problem !== undefined) report.error('field-invalid', path, `${path}: '${address}' ${problem}`);
  return { address, ports: Object.fromEntries(numbers), labels, ...optional };
}

function addressProblem(address: string, resolution: ExternalService['resolution']): string | undefined {
  if (address.startsWith('unix://')) return 'is a Unix socket, which is not supported; use an address';
  if (isIpAddress(address)) return undefined;
  if (resolution === 'static') return 'is no IP address; for names write resolution DNS';
  return /^[a-z0-9_]([a-z0-9._-]*[a-z0-9])?\.?$/i.test(address) ? undefined : 'is no host name or address';
}
