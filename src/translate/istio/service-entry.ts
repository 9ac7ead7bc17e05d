import { type ExternalService, isIpAddress, type Protocol } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { readExportTo } from './export-to.ts';
import type { Reading } from './reading.ts';
import { readEntryEndpoints } from './service-entry-endpoints.ts';
import { isRange } from './stream-route.ts';

/** networking.istio.io ServiceEntry, v1alpha3, v1beta1 and v1. */
export const serviceEntryTranslator: KindTranslator = {
  kind: 'ServiceEntry.networking.istio.io',
  translate: translateServiceEntry,
};

const resolutions = {
  NONE: 'none',
  STATIC: 'static',
  DNS: 'dns',
  DNS_ROUND_ROBIN: 'dns',
  DYNAMIC_DNS: 'by-name',
} as const;

function translateServiceEntry(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const reading: Reading = { namespace, context, report };
  const spec = fieldsOf(object, 'spec', report);
  const hosts = readHosts(spec, report);
  const ports = readPorts(spec, report);
  // Istio's first of the enumeration, and so what holds where nothing is said.
  const resolution =
    spec.choice('resolution', Object.keys(resolutions) as (keyof typeof resolutions)[]) ?? 'NONE';
  const location = spec.choice('location', ['MESH_EXTERNAL', 'MESH_INTERNAL']);
  const selector = spec.object('workloadSelector');
  const labels = selector?.strings('labels');
  selector?.refuseRest();
  const endpoints = readEntryEndpoints(spec, resolutions[resolution], report);
  const external: ExternalService = {
    hosts,
    addresses: readAddresses(spec, report),
    ports,
    resolution: resolutions[resolution],
    ...given({
      oneAddress: resolution === 'DNS_ROUND_ROBIN' || undefined,
      subjectAltNames: some(spec.texts('subjectAltNames')),
      workloadSelector: labels,
      visibleTo: readExportTo(spec, reading),
    }),
    location: location === 'MESH_INTERNAL' ? 'mesh' : 'outside',
    endpoints,
    namespace,
    from: report.object,
  };
  spec.rest();
  check(external, report);
  return [{ kind: 'external-service', external, createdAt }];
}

function readHosts(spec: Fields, report: Report): readonly string[] {
  const written = spec.texts('hosts');
  const hosts = written.flatMap((host, index) => {
    const lower = host.toLowerCase().replace(/\.$/, '');
    const odd = /^\*([a-z0-9_][a-z0-9_-]*(\.[a-z0-9_-]+)+)$/.exec(lower);
    if (odd) {
      const path = `spec.hosts[${index}]`;
      const message = `${path}: '${host}' is taken for ${odd[1]} and *.${odd[1]}; other names that end like it (my${odd[1]}), which Istio means too, are not known by it. Name them, or write *.${odd[1]}`;
      report.warn('field-approximated', path, message);
      return [odd[1]!, `*.${odd[1]}`];
    }
    if (/^(\*\.)?[a-z0-9_]([a-z0-9._-]*[a-z0-9])?$/.test(lower)) return [lower];
    const path = `spec.hosts[${index}]`;
    const why =
      lower === '*' ? 'would be everything; name a domain, such as *.example.com' : 'is no host name';
    report.error('field-invalid', path, `${path}: '${host}' ${why}`);
    return [];
  });
  if (written.length === 0)
    report.error('field-invalid', 'spec.hosts', 'spec.hosts is missing; name at least one host');
  return [...new Set(hosts)];
}

function readAddresses(spec: Fields, report: Report): readonly string[] {
  return spec.texts('addresses').filter((address, index) => {
    if (isRange(address)) return true;
    const path = `spec.addresses[${index}]`;
    report.error('field-invalid', path, `${path}: '${address}' is no address or range such as 10.0.0.0/8`);
    return false;
  });
}

/** Istio's names of protocols. What is not HTTP is carried as it is. */
const protocols: Readonly<Record<string, Protocol>> = {
  HTTP: 'http',
  HTTP_PROXY: 'http',
  HTTP2: 'http2',
  GRPC: 'grpc',
  'GRPC-WEB': 'grpc-web',
  HTTPS: 'tls',
  TLS: 'tls',
  TCP: 'tcp',
  MONGO: 'tcp',
  MYSQL: 'tcp',
  REDIS: 'tcp',
  '': 'auto',
};

function readPorts(spec: Fields, report: Report): ExternalService['ports'] {
  const written = spec.objects('ports');
  const ports = written.flatMap(each => {
    const number = each.port('number');
    const name = each.text('name') ?? '';
    const targetPort = each.port('targetPort');
    const spoken = each.text('protocol') ?? '';
    const protocol = protocols[spoken.toUpperCase()];
    each.rest();
    if (protocol === undefined) {
      const path = each.at('protocol');
      const known = Object.keys(protocols)
        .filter(key => key !== '')
        .join(', ');
      report.error('field-invalid', path, `${path}: '${spoken}' is none of ${known}`);
    }
    if (number === undefined) {
      const path = each.at('number');
      if (!each.has('number')) report.error('field-invalid', path, `${path} is missing; say which port`);
      return [];
    }
    return [{ number, name, protocol: protocol ?? 'auto', targetPort: targetPort ?? number }];
  });
  ports.forEach(({ number }, index) => {
    if (ports.findIndex(each => each.number === number) === index) return;
    report.error('field-invalid', 'spec.ports', `spec.ports: port ${number} is there twice; keep one`);
  });
  if (written.length === 0)
    report.warn(
      'field-not-supported',
      'spec.ports',
      'spec.ports is missing, so that no connection is known to be for this host; name the ports that are called',
    );
  return ports;
}

/** What fits together only in part. */
function check(
  { hosts, addresses, ports, resolution, endpoints, workloadSelector }: ExternalService,
  report: Report,
): void {
  const problem = (path: string, message: string): void => {
    report.error('field-invalid', path, `${path}: ${message}`);
  };
  if (workloadSelector && endpoints.length > 0)
    problem('spec.workloadSelector', 'there are endpoints too; keep one of them');
  if (resolution === 'by-name') checkByName({ ports, endpoints }, report);
  if (resolution === 'none' && endpoints.length > 0)
    problem('spec.endpoints', 'they have no effect with resolution NONE; write STATIC or DNS');
  if (resolution === 'static' && endpoints.length === 0 && !workloadSelector)
    report.warn(
      'field-not-supported',
      'spec.endpoints',
      'spec.endpoints: resolution STATIC has none, and no workloadSelector: requests are answered 503 until there are some',
    );
  const wildcard = hosts.find(host => host.startsWith('*'));
  if (resolution === 'dns' && wildcard !== undefined && endpoints.length === 0)
    problem('spec.hosts', `${wildcard} cannot be looked up; write resolution NONE, or name endpoints`);
  const opaque = ports.some(({ protocol }) => protocol === 'tcp');
  if (opaque && addresses.length === 0 && resolution !== 'none' && resolution !== 'by-name') {
    const message =
      'spec.addresses: without an address connections of TCP are known only by the addresses of endpoints; add one';
    if (!endpoints.some(({ address }) => isIpAddress(address)))
      report.warn('address-missing', 'spec.addresses', message);
  }
}

/** What names no host cannot be looked up by it: Istio has DYNAMIC_DNS for HTTP and TLS only, and passes over endpoints. */
function checkByName(
  { ports, endpoints }: Pick<ExternalService, 'ports' | 'endpoints'>,
  report: Report,
): void {
  if (endpoints.length > 0)
    report.warn(
      'field-not-supported',
      'spec.endpoints',
      'spec.endpoints: resolution DYNAMIC_DNS looks up what each request asks for, and passes over endpoints; take them out, or write DNS',
    );
  const opaque = ports.filter(({ protocol }) => protocol === 'tcp').map(({ number }) => number);
  if (opaque.length > 0)
    report.warn(
      'field-not-supported',
      'spec.ports',
      `spec.ports: connections of TCP name no host that resolution DYNAMIC_DNS could look up (${opaque.join(', ')}); write protocol HTTP or TLS, or resolution NONE`,
    );
}
