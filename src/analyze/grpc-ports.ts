// Ports of Services that take gRPC, as a probe, a route or their number shows, and whose name and appProtocol do not say so.
import { formatRef, type Service, type ServicePort } from '../model/index.ts';
import { fieldAt, isRecord, recordsOf } from '../plain/index.ts';
import { keyOf, type Stored } from '../registry/index.ts';
import type { AnalysisContext } from './context.ts';
import { selectorOf } from './expected-endpoints.ts';
import { type Finding, finding } from './finding.ts';
import { type OwnedTemplate, templatesOf } from './pod-templates.ts';

/** The port of gRPC's own examples, which nothing else uses by convention. */
const usual = 50_051;
const probes = ['readinessProbe', 'livenessProbe', 'startupProbe'] as const;

/** Findings about ports of gRPC that nobody named. */
export function grpcPortFindings(context: AnalysisContext): readonly Finding[] {
  const templates = context.objects.flatMap(templatesOf);
  const routed = routedPorts(context.objects);
  return context.objects.flatMap(stored => {
    const service =
      stored.object.kind === 'Service' && stored.object.apiVersion === 'v1'
        ? context.mesh.services.get(keyOf(stored.object.metadata))
        : undefined;
    if (!service) return [];
    const selector = selectorOf(stored);
    const behind = templates.filter(each => selector !== undefined && selects(selector, service, each));
    return recordsOf(fieldAt(stored.object, 'spec', 'ports')).flatMap((written, index) => {
      const port = service.ports.find(({ number }) => number === written.port);
      if (port === undefined || (port.protocol !== 'auto' && port.protocol !== 'tcp')) return [];
      const target = written.targetPort ?? port.number;
      const why =
        probeOf(behind, target) ??
        routed.get(`${service.namespace}/${service.name}:${port.number}`) ??
        (port.number === usual || Number(target) === usual ? `its number ${usual}` : undefined);
      return why === undefined ? [] : [unnamed(service, port, index, why)];
    });
  });
}

function unnamed(
  { from, host }: Service,
  { number, protocol, name }: ServicePort,
  index: number,
  why: string,
): Finding {
  const path = `spec.ports[${index}]`;
  const what = `${host}:${number} takes gRPC (${why})`;
  if (protocol === 'auto') {
    const reason = `${what} and does not say so: proxies go by the first bytes of each connection`;
    return finding('grpc-port-unnamed', { object: from, path, reason });
  }
  const reason =
    `${what} and is named ${name === '' ? protocol : name}, which means bytes: all calls of a connection go to one pod, and none is ` +
    'counted, retried or asked of a rule';
  return finding('grpc-port-unnamed', { object: from, path, reason, severity: 'warning' });
}

function selects(
  selector: Readonly<Record<string, string>>,
  service: Service,
  template: OwnedTemplate,
): boolean {
  return (
    (template.owner.ref.namespace ?? '') === service.namespace &&
    Object.entries(selector).every(([key, value]) => template.labels[key] === value)
  );
}

/** Words for the first probe that asks this port over gRPC. */
function probeOf(templates: readonly OwnedTemplate[], target: unknown): string | undefined {
  for (const { owner, template } of templates) {
    const spec = isRecord(template.spec) ? template.spec : {};
    const containers = recordsOf(spec.containers);
    const named = containers.flatMap(each => recordsOf(each.ports)).find(({ name }) => name === target);
    const number = named === undefined ? Number(target) : named.containerPort;
    for (const container of containers)
      for (const probe of probes)
        if (fieldAt(container, probe, 'grpc', 'port') === number)
          return `the ${probe} of ${formatRef(owner.ref)}`;
  }
  return undefined;
}

/** What GRPCRoutes lead to, `namespace/service:port`, and which of them. */
function routedPorts(objects: readonly Stored[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { object, ref } of objects) {
    if (object.kind !== 'GRPCRoute' || !object.apiVersion.startsWith('gateway.networking.k8s.io/')) continue;
    for (const rule of recordsOf(fieldAt(object, 'spec', 'rules')))
      for (const { kind = 'Service', namespace = object.metadata.namespace, name, port } of recordsOf(
        rule.backendRefs,
      ))
        if (kind === 'Service')
          found.set(`${String(namespace)}/${String(name)}:${String(port)}`, formatRef(ref));
  }
  return found;
}
