import type { PathMatch, Route } from '../model/index.ts';

/** What of a request's way names its span. */
export interface Operation {
  readonly route: Route | undefined;
  /** `host:port` where it goes, without a subset; '' when it goes nowhere. */
  readonly destination: string;
  /** What was asked for, where it goes nowhere. */
  readonly authority: string;
  /** Of the port that was called. */
  readonly port: number;
}

/**
 * A span's name, as Istio names the operations of its routes: `host:port` and the path that the route matches, `/*` for any. A
 * route that shares its requests among several has no one host: then the name of the object that has it stands there.
 */
export function operationOf({ route, destination, authority, port }: Operation): string {
  const path = pathOf(route?.matches?.[0]?.path);
  const shares = route?.action.kind === 'forward' ? route.action.clusters.length : 0;
  if (shares > 1 && route!.from !== undefined) return `${route!.from.name}:${port}${path}`;
  return `${destination === '' ? authority : destination}${path}`;
}

function pathOf(match: PathMatch | undefined): string {
  switch (match?.kind) {
    case 'exact':
    case 'regex':
      return match.value;
    case 'prefix':
    case 'segments':
      return `${match.value}*`;
    default:
      return '/*';
  }
}
