// What people may ask of running proxies, each with the right that it needs; see src/live/api.
import {
  type AskKind,
  askRoute,
  type LivePlace,
  type LiveRoute,
  podsMeant,
  tapKind,
} from '../live/api/index.ts';
import { Live } from '../live/index.ts';
import type { Mesh } from '../model/index.ts';
import type { InjectorParts } from './injector-view.ts';

/** The routes of the live API. The parts may come later. */
export function liveRoutes(
  parts: InjectorParts,
  replica: string,
  peers: LivePlace['peers'],
): readonly LiveRoute[] {
  const mesh = (): Mesh | undefined => parts.pipeline?.mesh;
  const place: LivePlace = {
    live: new Live(() => parts.server),
    replica,
    chosen: query => podsMeant(mesh, query.get('namespace') ?? '', query.get('target') ?? ''),
    ...(peers && { peers }),
  };
  return [askRoute(tapKind(mesh), place), askRoute(recordKind, place)];
}

/** What proxies keep of requests, by id or by why it was kept; readRecordQuery says what it takes. */
const recordKind: AskKind = {
  path: '/live/requests',
  needs: { verb: 'get', subresource: 'requests' },
  follow: false,
  question: query => ({ ...Object.fromEntries(query), kind: 'requests' }),
};
