import type { Labels, Node } from '../model/index.ts';

/** What is known of where something runs. */
export interface Place {
  readonly zone?: string;
  readonly node?: string;
  readonly locality?: string;
}

/** `region/zone/subzone`, as far as known; the node knows its region, and a zone that is said goes over the node's. */
export function placeOf(place: Place, node: Node | undefined): string | undefined {
  if (place.locality !== undefined) return place.locality;
  const zone = place.zone ?? node?.zone;
  if (zone === undefined) return node?.region;
  const sameZone = node?.zone === undefined || node.zone === zone;
  const subzone = sameZone && node?.subzone !== undefined ? `/${node.subzone}` : '';
  return `${node?.region ?? ''}/${zone}${subzone}`;
}

/**
 * Istio's names for places among labels
 * (istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting).
 */
const placeLabels = [
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
];

/** The value of a label, of labels for places from where something runs. */
export function labelOf(key: string, labels: Labels, place: string | undefined): string | undefined {
  const level = placeLabels.indexOf(key);
  return labels[key] ?? (level < 0 ? undefined : place?.split('/')[level]);
}

/** With the labels of the place where it runs, as Istio's endpoints have them; its own go over these. */
export function placedLabels(labels: Labels, place: string | undefined, node: string | undefined): Labels {
  const placed: Record<string, string> = node === undefined ? {} : { 'kubernetes.io/hostname': node };
  const levels = place?.split('/') ?? [];
  for (const [level, key] of placeLabels.entries()) if (levels[level]) placed[key] = levels[level];
  return { ...placed, ...labels };
}

/** Whether the label is one of the place and not of the pod. */
export function isPlaceLabel(key: string): boolean {
  return placeLabels.includes(key) || key === 'kubernetes.io/hostname';
}

/**
 * How far an endpoint is from the caller by LocalitySettings.failoverPriority: how many of its labels, from the first that
 * differs on. A label written `key=value` is met by an endpoint with that value, whatever the caller has.
 */
export function distance(
  priorities: readonly string[],
  caller: { readonly labels: Labels; readonly place: string | undefined },
  endpoint: { readonly labels: Labels; readonly place: string | undefined },
): number {
  const differs = priorities.findIndex(each => {
    const equals = each.indexOf('=');
    const key = equals < 0 ? each : each.slice(0, equals);
    const wanted = equals < 0 ? labelOf(key, caller.labels, caller.place) : each.slice(equals + 1);
    return labelOf(key, endpoint.labels, endpoint.place) !== wanted;
  });
  return differs < 0 ? 0 : priorities.length - differs;
}
