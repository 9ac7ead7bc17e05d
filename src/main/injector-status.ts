// What became of each policy object, as the status writer wants it.

import type { MeshEvent } from '../../webhook/index.ts';
import type { CertificateNews } from '../acme/index.ts';
import { authorizationProblems } from '../analyze/index.ts';
import { revisionNames } from '../config/index.ts';
import type { InjectorConfig } from '../config/injector-config.ts';
import type { StatusWish } from '../control-plane/index.ts';
import { equal, type Problem } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import {
  hasStatus,
  mergeStatus,
  type ObjectStatus,
  objectStatuses,
  policyKinds,
  refusalProblems,
} from '../translate/index.ts';
import type { Pipeline } from './pipeline.ts';

/** Kinds whose changes can change no status: who stands behind a Service is nothing that policies are told of. */
const quiet = new Set(['Pod', 'Node', 'Namespace', 'Endpoints', 'EndpointSlice.discovery.k8s.io']);

/** Whether a status may be another one after changes of these kinds. */
export function changesStatuses(kinds: Iterable<string>): boolean {
  for (const kind of kinds) if (!quiet.has(kind)) return true;
  return false;
}

/** What proxies refuse of what policies say, as problems of these. */
export function proxyProblems(
  { registry }: Pipeline,
  refusals: Parameters<typeof refusalProblems>[0],
): readonly Problem[] {
  return refusalProblems(refusals, () =>
    policyKinds.flatMap(kind => [...registry.list(kind)].map(each => each.ref)),
  );
}

/** Codes of what an event says too: users whose requests fail look there. */
const alarming = ['rule-refused', 'refused-by-proxies', 'subset-undefined'];

/** What is worth an event about a policy. */
export function policyEvent({ object, ref, problems }: ObjectStatus): MeshEvent | undefined {
  const grave = problems.filter(each => alarming.includes(each.code));
  const [first] = grave;
  if (first === undefined) return undefined;
  const { apiVersion, kind, namespace, name } = ref;
  const { uid } = object.metadata as { uid?: string };
  const more = grave.length > 1 ? `; and ${grave.length - 1} more` : '';
  return {
    namespace,
    about: { apiVersion, kind, name, ...(uid !== undefined && { uid }) },
    type: 'Warning',
    reason: 'PolicyNotInEffect',
    message: `${first.message}${more}`,
  };
}

/** What became of a certificate, about the object that asks for it; undefined where that is no object of the API. */
export function certificateEvent({ wish, what, message }: CertificateNews): MeshEvent | undefined {
  const { apiVersion, kind, namespace, name } = wish.from;
  if (namespace === '') return undefined;
  const issued = what === 'issued';
  return {
    ...{ namespace, about: { apiVersion, kind, name }, message },
    type: issued ? 'Normal' : 'Warning',
    reason: issued ? 'CertificateIssued' : 'CertificateNotIssued',
  };
}

/** Alarms about the authority as events about the Deployment of the control plane. */
export function authorityEvents(
  alarms: readonly Problem[],
  { namespace, revision }: Pick<InjectorConfig, 'namespace' | 'revision'>,
): readonly MeshEvent[] {
  const about = { apiVersion: 'apps/v1', kind: 'Deployment', name: revisionNames(revision).injector };
  return alarms.map(({ code, message }) => ({
    ...{ namespace, about, type: 'Warning' as const, message },
    reason: code === 'ca-expired' ? 'AuthorityExpired' : 'AuthorityExpiring',
  }));
}

/** What to write besides what translation finds, and who hears of what it comes to. */
export interface StatusAround {
  /** See proxyProblems. */
  readonly refused?: () => readonly Problem[];
  readonly heard?: (status: ObjectStatus) => void;
}

/** One for every object of a kind with a status. */
export function statusWishes(
  { registry, mesh, problems }: Pipeline,
  clock: Clock,
  { refused = () => [], heard = () => {} }: StatusAround = {},
): readonly StatusWish[] {
  const objects = policyKinds.filter(hasStatus).flatMap(kind => [...registry.list(kind)]);
  const found = [...problems(), ...refused(), ...authorizationProblems(mesh)];
  const all = objectStatuses({ objects, problems: found, mesh });
  return all.flatMap(status => {
    heard(status);
    const { object, ref, content } = status;
    if (!content) return [];
    const { apiVersion, kind, namespace, name } = ref;
    const patch: StatusWish['patch'] = current => {
      // Judged was the object as it stands in the registry; the newer one follows in a moment.
      if (!equal(current.spec, object.spec)) return undefined;
      const { generation } = current.metadata as { generation?: unknown };
      const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
      return mergeStatus(content, (current.status ?? {}) as Record<string, unknown>, generation, now);
    };
    return [{ apiVersion, kind, namespace, name, content: [object.spec, content], patch }];
  });
}
