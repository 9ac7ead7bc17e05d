// Which endpoints traffic prefers, by where they and the caller are:
// https://istio.io/latest/docs/tasks/traffic-management/locality-load-balancing/
import type { LocalitySettings } from '../model/index.ts';
import type { RunningEndpoint } from './endpoint.ts';

/** Endpoints that share a part of the traffic. */
export interface LocalityShare {
  readonly endpoints: readonly RunningEndpoint[];
  /** Above 0; shares are share / sum. */
  readonly share: number;
}

/**
 * How much more capacity than needed a level of nearness is thought to have, as in Envoy: it keeps all of its traffic while more
 * than 1/1.4 = 71 % of its endpoints are healthy, and below that passes on what the healthy ones would lack.
 */
const overprovisioning = 1.4;

/** Splits up the endpoints that take requests. `all`: also those that do not; `usable` tells which do. Empty when none does. */
export function localityShares(
  all: readonly RunningEndpoint[],
  usable: (endpoint: RunningEndpoint) => boolean,
  settings: LocalitySettings | undefined,
  caller: string | undefined,
): LocalityShare[] {
  const distribution = settings?.enabled === true ? distributionFor(settings, caller) : undefined;
  if (distribution !== undefined) {
    const shares = distributed(all.filter(usable), distribution);
    // Nobody where the traffic should go: rather anybody than nobody.
    if (shares.length > 0) return shares;
  } else if (
    settings?.enabled === true &&
    (caller !== undefined || settings.failoverPriority !== undefined)
  ) {
    return byLevel(all, usable, settings, caller ?? '');
  }
  const endpoints = all.filter(usable);
  return endpoints.length === 0 ? [] : [{ endpoints, share: 1 }];
}

/** How far `endpoint` is from the caller; 0 is nearest. */
export function distanceOf(endpoint: RunningEndpoint, settings: LocalitySettings, caller: string): number {
  const { config } = endpoint;
  // Worked out by resolve/, which knows the labels that failoverPriority names.
  if (settings.failoverPriority !== undefined && config.priority !== undefined) return config.priority;
  const [region, zone, subzone] = partsOf(
    config.locality ?? (config.zone === undefined ? '' : `/${config.zone}`),
  );
  const [ownRegion, ownZone, ownSubzone] = partsOf(caller);
  // Discovery may know the zone alone.
  const sameRegion = region === ownRegion || (region === '' && zone === ownZone);
  if (sameRegion && zone === ownZone) return subzone === ownSubzone ? 0 : 1;
  if (sameRegion) return 2;
  const { failover } = settings;
  if (failover === undefined || failover.length === 0) return 3;
  const next = failover.find(({ from }) => from === ownRegion);
  return next !== undefined && next.to === region ? 3 : 4;
}

function partsOf(locality: string): [region: string, zone: string, subzone: string] {
  const [region = '', zone = '', subzone = ''] = locality.split('/');
  return [region, zone, subzone];
}

/** Levels by nearness, each with the share that its health allows; the rest goes to the next (Envoy's priority levels). */
function byLevel(
  all: readonly RunningEndpoint[],
  usable: (endpoint: RunningEndpoint) => boolean,
  settings: LocalitySettings,
  caller: string,
): LocalityShare[] {
  const levels = new Map<number, { total: number; usable: RunningEndpoint[] }>();
  for (const endpoint of all) {
    const distance = distanceOf(endpoint, settings, caller);
    const level = levels.get(distance) ?? { total: 0, usable: [] };
    levels.set(distance, level);
    level.total++;
    if (usable(endpoint)) level.usable.push(endpoint);
  }
  const nearestFirst = [...levels.entries()].sort(([a], [b]) => a - b).map(([, level]) => level);
  const shares: LocalityShare[] = [];
  let left = 1;
  for (const { total, usable: endpoints } of nearestFirst) {
    if (endpoints.length === 0) continue;
    const share = Math.min(left, (endpoints.length / total) * overprovisioning);
    if (share > 1e-9) shares.push({ endpoints, share });
    left -= share;
  }
  return shares;
}

function distributionFor(
  settings: LocalitySettings,
  caller = '',
): Readonly<Record<string, number>> | undefined {
  return settings.distribute?.find(({ from }) => matches(from, caller))?.to;
}

function distributed(
  usable: readonly RunningEndpoint[],
  to: Readonly<Record<string, number>>,
): LocalityShare[] {
  // The more specific pattern first, whatever the order that a map has.
  const patterns = Object.keys(to).sort((a, b) => b.length - a.length);
  const found = new Map<string, RunningEndpoint[]>();
  for (const endpoint of usable) {
    const pattern = patterns.find(each => matches(each, endpoint.config.locality ?? ''));
    if (pattern === undefined) continue;
    const together = found.get(pattern);
    if (together === undefined) found.set(pattern, [endpoint]);
    else together.push(endpoint);
  }
  return [...found]
    .map(([pattern, endpoints]) => ({ endpoints, share: to[pattern]! }))
    .filter(({ share }) => share > 0);
}

/** `region/zone/*`, `region/*`, `*`, or shorter than what it matches. */
function matches(pattern: string, locality: string): boolean {
  const wanted = pattern.split('/');
  const parts = locality.split('/');
  for (const [i, part] of wanted.entries()) {
    if (part === '*') return true;
    if (part !== (parts[i] ?? '')) return false;
  }
  return true;
}
