// Services without pods, and ports of Services that no pod has.
import type { Service, Workload } from '../model/index.ts';
import { fieldAt, recordsOf } from '../plain/index.ts';
import { keyOf } from '../registry/index.ts';
import type { AnalysisContext } from './context.ts';
import { selectorOf } from './expected-endpoints.ts';
import { type Finding, finding } from './finding.ts';
import { unlessMade } from './pod-makers.ts';

/** Findings about what Services lead to. */
export function portFindings(context: AnalysisContext): readonly Finding[] {
  if (!context.knowsWorkloads) return [];
  return context.objects.flatMap(stored => {
    const selector = selectorOf(stored);
    const service = selector && context.mesh.services.get(keyOf(stored.object.metadata));
    if (!service) return [];
    const pods = context.workloads.filter(
      each =>
        each.namespace === service.namespace &&
        Object.entries(selector).every(([key, value]) => each.labels[key] === value),
    );
    if (pods.length === 0) {
      const words = Object.entries(selector)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ');
      const reason = `no pod of namespace ${service.namespace} has the labels ${words}`;
      return [
        unlessMade(
          finding('service-selects-nothing', { object: service.from, reason }),
          [service.namespace],
          context,
        ),
      ];
    }
    const written = recordsOf(fieldAt(stored.object, 'spec', 'ports'));
    return written.flatMap((port, index) => unserved(port, service, index, pods));
  });
}

/** Containers need not declare their ports: a number that is none of those declared is a guess, a name is not. */
function unserved(
  written: Readonly<Record<string, unknown>>,
  service: Service,
  index: number,
  pods: readonly Workload[],
): readonly Finding[] {
  const port = service.ports.find(each => each.number === written.port);
  if (!port) return [];
  const { number, name } = port;
  const target = written.targetPort ?? number;
  const isName = typeof target === 'string' && !/^\d+$/.test(target);
  const declared = pods.filter(each => each.ports.length > 0);
  const has = pods.some(each =>
    each.ports.some(port => (isName ? port.name === target : port.number === Number(target))),
  );
  if (has || (!isName && declared.length < pods.length)) return [];
  const ports = [
    ...new Set(
      declared.flatMap(each =>
        each.ports.map(port => (port.name ? `${port.name} (${port.number})` : String(port.number))),
      ),
    ),
  ];
  const which = name === '' ? `port ${number}` : `port ${number} (${name})`;
  const outcome = isName
    ? 'it has no endpoints, and requests are answered with 503'
    : 'unless the app listens there all the same, connections are refused';
  const reason = `${which} leads to ${isName ? `a port named ${target}` : `port ${target}`}, which none of its pods declares (they have ${ports.join(', ') || 'none'}): ${outcome}`;
  return [
    finding('service-port-unserved', {
      object: service.from,
      path: `spec.ports[${index}].targetPort`,
      reason,
      ...(!isName && { severity: 'warning' as const }),
    }),
  ];
}
