import { errorMessage } from '../errors/index.ts';
import type { TrafficPolicy } from '../model/index.ts';
import { checkSession } from './route-values.ts';

/**
 * Why proxies could not work with what a policy says about traffic to a host; undefined where they can. Numbers come to them as
 * JSON, which has no infinity, and cookies of consistent hashing are written into answers.
 */
export function trafficFault(policy: TrafficPolicy): string | undefined {
  const { balancer, from: _, ...settings } = policy;
  const number = badNumber({ ...settings, balancer }, '');
  if (number !== undefined) return number;
  for (const source of balancer?.hash ?? []) {
    if (source.kind !== 'cookie') continue;
    try {
      checkSession({ cookie: source.name, path: source.path, ttlSeconds: source.ttlSeconds ?? 0 });
    } catch (thrown) {
      return errorMessage(thrown);
    }
  }
  return undefined;
}

/** More than any of them can mean. */
const most = 1e15;

function badNumber(value: unknown, name: string): string | undefined {
  if (typeof value === 'number')
    return value >= 0 && value <= most ? undefined : `${value} is no number to work with (${name})`;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = badNumber(inner, name === '' ? key : `${name}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
