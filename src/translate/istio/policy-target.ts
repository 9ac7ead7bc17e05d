// Of whom a policy of security.istio.io speaks: its selector, or its targetRefs.
import type { GatewayTarget, LabelSelector } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { GATEWAY_GROUP } from '../gateway/parent-ref.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

/** Istio takes no more of them. */
const maxTargets = 16;

/** What a policy is about; all of its scope where nothing is said. */
export interface PolicyTarget {
  readonly selector?: LabelSelector;
  /** Names of Services of its namespace. */
  readonly services?: readonly string[];
  readonly gateways?: readonly GatewayTarget[];
  /** It speaks of what is not here alone. */
  readonly nowhere?: true;
}

/** `isRoot`: whether the object is in a root namespace, whose policies alone may be about a class of Gateways. */
export function readTarget(spec: Fields, isRoot: boolean, report: Report): PolicyTarget {
  const selector = selectorOf(spec, report);
  const refs = [...spec.objects('targetRefs'), ...(spec.has('targetRef') ? [spec.object('targetRef')] : [])];
  if (refs.length === 0) return given({ selector });
  const at = spec.at(spec.has('targetRefs') ? 'targetRefs' : 'targetRef');
  if (spec.has('selector'))
    report.error('field-invalid', at, `${at} and spec.selector exclude each other; keep one`);
  if (refs.length > maxTargets)
    report.error('field-invalid', at, `${at} has more than ${maxTargets} targets; write two policies`);
  const services: string[] = [];
  const gateways: GatewayTarget[] = [];
  const others: string[] = [];
  for (const ref of refs) {
    const target = ref && readRef(ref, report);
    if (target === undefined) continue;
    const { group, kind, name, path } = target;
    if (kind === 'Service' && (group === '' || group === 'core')) services.push(name);
    else if (kind === 'Gateway' && group === GATEWAY_GROUP) gateways.push({ kind, name });
    else if (kind === 'GatewayClass' && group === GATEWAY_GROUP && isRoot) gateways.push({ kind, name });
    else if (kind === 'GatewayClass' && group === GATEWAY_GROUP)
      report.error(
        'field-invalid',
        path,
        `${path}: a policy about a GatewayClass holds in a root namespace alone; move it there, or name the Gateway`,
      );
    else others.push(`${kind} ${name}`);
  }
  const nowhere = services.length === 0 && gateways.length === 0;
  if (others.length > 0) {
    const words = `${others.join(', ')}: Services, Gateways and GatewayClasses can be meant here; no proxy of ours stands before anything else`;
    report.warn('policy-ignored', at, `${at}: ${words}${nowhere ? ', so this policy has no effect' : ''}`);
  }
  return {
    ...given({ services: some(services), gateways: some(gateways) }),
    ...(nowhere && { nowhere: true }),
  };
}

interface TargetRef {
  readonly path: string;
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

function readRef(ref: Fields, report: Report): TargetRef | undefined {
  const kind = ref.text('kind') ?? '';
  const group = ref.text('group') ?? '';
  const name = ref.text('name') ?? '';
  const elsewhere = ref.text('namespace');
  ref.refuseRest();
  if (elsewhere !== undefined && elsewhere !== report.object.namespace && report.object.namespace !== '')
    report.error(
      'field-invalid',
      ref.at('namespace'),
      `${ref.at('namespace')}: a policy speaks of what is in its own namespace`,
    );
  if (kind !== '' && name !== '') return { path: ref.path, group, kind, name };
  report.error('field-invalid', ref.path, `${ref.path} needs a kind and a name`);
  return undefined;
}

/** One without labels selects all of the namespace, which may not be meant. */
function selectorOf(spec: Fields, report: Report): LabelSelector | undefined {
  const selector = spec.object('selector');
  const matchLabels = selector?.strings('matchLabels');
  selector?.refuseRest();
  if (selector === undefined) return undefined;
  const keys = Object.keys(matchLabels ?? {});
  if (keys.length === 0) {
    const words =
      'has no labels, so that the policy holds for every workload of its scope; write labels, or leave the selector out to say so';
    report.warn('selector-empty', selector.path, `${selector.path} ${words}`);
    return undefined;
  }
  for (const key of keys) {
    const path = selector.at('matchLabels');
    if (key === '' || key.includes('*') || matchLabels![key]!.includes('*'))
      report.error(
        'field-invalid',
        path,
        `${path}: '${key}: ${matchLabels![key]}': labels of selectors have no wildcards and no empty keys`,
      );
  }
  return { matchLabels: matchLabels! };
}
