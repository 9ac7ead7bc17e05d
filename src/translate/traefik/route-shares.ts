// What the backends of a route come to: TraefikServices in their places, each with its share.
import { formatRef, type RouteTarget, type RuleMirror } from '../../model/index.ts';
import { given } from '../given.ts';
import type { SaidWords } from '../ingress/ingress-dialect.ts';
import type { ReadIngress, RouteBackend } from '../ingress/ingress-model.ts';
import { wholeWeights } from '../quantity.ts';
import type { TraefikServiceWords } from './model.ts';

/** How objects of other namespaces may be named. */
export const crossWords =
  "put it beside the IngressRoute, or allow it by weft.dev/cross-namespace: 'true' of the IngressClass";

type Tell = (why: string) => void;

/** Whether routes of the Ingress may not name what has the key. */
export function isForeign(key: string, { namespace, crossNamespace }: ReadIngress): boolean {
  return crossNamespace !== true && !key.startsWith(`${namespace}/`);
}

/** The Ingress with the shares of its routes. */
export function resolveRoutes(ingress: ReadIngress, words: SaidWords): ReadIngress {
  const rules = ingress.rules.map(({ host, paths }) => ({
    host,
    paths: paths.map(path => {
      if (path.route === undefined) return path;
      const shares = withHost(
        sharesOf(path.route.backends, ingress, words, () => {}),
        host,
      );
      const [first] = shares;
      return { ...path, target: first?.target ?? path.target, route: { ...path.route, shares } };
    }),
  }));
  return { ...ingress, rules };
}

/** Where requests of these backends go, and with which weights; `tell` hears what is missing. */
export function sharesOf(
  backends: readonly RouteBackend[],
  ingress: ReadIngress,
  words: SaidWords,
  tell: Tell,
): readonly RouteBackend[] {
  const shares = spread(backends, { ingress, words, tell }, []);
  const targets = wholeWeights(shares.map(each => each.target));
  return shares.map((each, index) => ({ ...each, target: targets[index]! }));
}

interface Spreading {
  readonly ingress: ReadIngress;
  readonly words: SaidWords;
  readonly tell: Tell;
}

/** `above`: the TraefikServices in which they stand. */
function spread(
  backends: readonly RouteBackend[],
  of: Spreading,
  above: readonly string[],
): readonly RouteBackend[] {
  return backends.flatMap(backend => {
    const inner = partsOf(backend, of, above);
    const sum = inner.reduce((total, { target }) => total + target.weight, 0);
    const share = (weight: number): number => {
      // A lone one has all of it, whatever it says.
      if (inner.length === 1) return backend.target.weight;
      return sum === 0 ? 0 : (backend.target.weight * weight) / sum;
    };
    return inner.map(each => ({
      ...each,
      target: { ...each.target, weight: share(each.target.weight) },
      ...given({ session: backend.session ?? each.session }),
    }));
  });
}

function partsOf(backend: RouteBackend, of: Spreading, above: readonly string[]): readonly RouteBackend[] {
  const { service, namespace } = backend;
  const { ingress, words, tell } = of;
  const key = service ?? `${namespace}/${backend.target.host.split('.')[0]}`;
  if (isForeign(key, ingress)) {
    tell(`${key} is of another namespace; ${crossWords}`);
    return [];
  }
  if (service === undefined) return [backend];
  const found = words.find('traefik', 'traefik-service', service) as TraefikServiceWords | undefined;
  if (found === undefined) tell(`there is no TraefikService ${service}; create it`);
  else if (found.refused === true)
    tell(`${formatRef(found.from)} cannot be carried out; its problems say why`);
  else if (above.includes(service)) tell(`the TraefikService ${service} leads to itself; take one out`);
  else {
    const way = [...above, service];
    const mirrors = (found.mirrors ?? []).flatMap((each): readonly RuleMirror[] => {
      const [target, ...more] = spread([each.backend], of, way).map(share => share.target);
      if (more.length > 0)
        tell(`the mirror ${each.backend.service} of ${service} has several backends; name one`);
      if (target === undefined) return [];
      return [{ target, percent: each.percent, ...(each.withoutBody && { withoutBody: true as const }) }];
    });
    return spread(found.backends, of, way).map(each => ({
      ...each,
      target: withMirrors(each.target, mirrors),
      ...given({ session: found.session ?? each.session }),
    }));
  }
  return [];
}

function withMirrors(target: RouteTarget, mirrors: readonly RuleMirror[]): RouteTarget {
  return mirrors.length === 0 ? target : { ...target, mirrors: [...(target.mirrors ?? []), ...mirrors] };
}

/** Copies have the Host of the requests, where the rule says which that is. */
function withHost(shares: readonly RouteBackend[], host: string): readonly RouteBackend[] {
  if (host === '') return shares;
  return shares.map(each => {
    const mirrors = each.target.mirrors?.map(mirror => ({
      ...mirror,
      authority: mirror.target.authority ?? host,
    }));
    return mirrors === undefined ? each : { ...each, target: { ...each.target, mirrors } };
  });
}
