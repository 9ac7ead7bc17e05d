// Pods without a proxy where there should be one.
import { findUninjected, type KubePod, pathText } from '../../webhook/index.ts';
import { ANNOTATIONS } from '../config/names.ts';
import { formatRef, type ObjectRef } from '../model/index.ts';
import type { AnalysisContext } from './context.ts';
import { injectionOf } from './expected-pods.ts';
import { type Finding, finding } from './finding.ts';
import { isLivePod, templatesOf } from './pod-templates.ts';
import { problemFinding } from './translation.ts';

/** Findings about injection. */
export function injectionFindings(context: AnalysisContext): readonly Finding[] {
  const missed = missedPods(context);
  const named = new Set(missed.map(each => formatRef(each.object!)));
  const outside = context.outsiders().flatMap(({ ref, why }): Finding[] => {
    if (!context.meshedNamespaces.has(ref.namespace) || named.has(formatRef(ref))) return [];
    const reason = `it has no proxy${why ? ` (${why})` : ''}, and other workloads of namespace ${ref.namespace} have: no mutual TLS, retries, weights or metrics for what it calls`;
    return [finding('workload-outside-mesh', { object: ref, reason })];
  });
  return [...missed, ...checked(context), ...outside, ...partlyMeshed(context)];
}

/** Those that run, and would be injected if they were made now. */
function missedPods({ objects, injection }: AnalysisContext): readonly Finding[] {
  const pods = objects.filter(isLivePod).map(({ object }) => object as unknown as KubePod);
  const found = findUninjected(pods, {
    namespaces: name => injection.namespaces.get(name),
    settings: { inject: injection.inject, refusedPods: 'deny' },
  });
  return found.map(({ namespace, workload, pods: names, code, reason, remedy }) => {
    const owner = objects.find(
      ({ ref }) => ref.kind === workload.kind && ref.namespace === namespace && ref.name === workload.name,
    );
    const pod = objects.find(
      ({ ref }) => ref.kind === 'Pod' && ref.namespace === namespace && ref.name === names[0],
    );
    const object: ObjectRef = owner?.ref ?? {
      apiVersion: workload.apiVersion ?? '',
      kind: workload.kind,
      namespace,
      name: workload.name,
      ...(pod?.ref.origin !== undefined && { origin: pod.ref.origin }),
    };
    const which = names.length === 1 ? `pod ${names[0]} runs` : `${names.length} pods run`;
    return finding('pod-not-injected', {
      object,
      reason: `${which} without a proxy: ${reason}`,
      remedy,
      ...(code === 'impossible' && { severity: 'warning' as const }),
    });
  });
}

/** What injection itself says of pod templates: that it would refuse them, or that something in them will not do what it says. */
function checked({ objects, injection }: AnalysisContext): readonly Finding[] {
  const templates = objects.filter(each => !isLivePod(each)).flatMap(templatesOf);
  return templates.flatMap(template => {
    const stored = template.owner;
    if (template.annotations[ANNOTATIONS.status] !== undefined) return [];
    const at = (path: string | undefined): string =>
      [pathText(template.path), path ?? ''].filter(Boolean).join('.');
    const result = injectionOf(template, injection);
    if (result.kind === 'injected')
      return result.warnings.map(each => ({
        ...problemFinding({ ...each, path: at(each.path) }),
        object: stored.ref,
      }));
    if (result.kind !== 'refused') return [];
    return result.problems.map(({ message, path }) =>
      finding('injection-refused', { object: stored.ref, reason: message, path: at(path) }),
    );
  });
}

function partlyMeshed(context: AnalysisContext): readonly Finding[] {
  return context.services.flatMap(service => {
    const all = context.behind(service);
    const without = all.filter(each => !each.meshed);
    if (without.length === 0 || without.length === all.length) return [];
    const owners = [...new Set(without.map(each => `${each.owner.kind} ${each.owner.name}`))].join(', ');
    const reason = `${without.length} of its ${all.length} pods have no proxy (${owners}): requests to these are in plaintext, unmetered on their side, and refused under STRICT elsewhere`;
    return [finding('service-partly-meshed', { object: service.from, reason })];
  });
}
