import type { ClaimMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { readTextMatch } from '../text-match.ts';
import type { Reading } from './reading.ts';

const prefix = '@request.auth.claims';

/** Whether Istio takes it for the name of a claim instead of a header's (its pkg/jwt/routing.go, the prefix without case). */
export function isClaimName(name: string): boolean {
  return name.toLowerCase().startsWith(prefix);
}

/**
 * The path of the claim, outermost first: `@request.auth.claims.address.city` and `@request.auth.claims[address][city]` are the
 * same; brackets are for names with dots in them. Undefined for what names no claim.
 */
export function claimPath(name: string): readonly string[] | undefined {
  const rest = name.slice(prefix.length);
  const path =
    rest.startsWith('[') && rest.endsWith(']')
      ? rest.slice(1, -1).split('][')
      : rest.startsWith('.')
        ? rest.slice(1).split('.')
        : [];
  return path.length > 0 && path.every(each => each !== '') ? path : undefined;
}

/**
 * The claims among the headers of a match; `invert`: of its withoutHeaders. A token is verified by the pod that is called, which
 * is too late for a sidecar's route, and by a gateway before it looks for one: as in Istio they are for gateways alone.
 */
export function readClaimMatches(
  map: Fields | undefined,
  { report, isForGateways }: Reading,
  { invert = false }: { readonly invert?: boolean } = {},
): readonly ClaimMatch[] {
  return (map?.names() ?? []).filter(isClaimName).flatMap(written => {
    const fields = map!.object(written);
    const match = fields && readTextMatch(fields, report);
    const claim = claimPath(written);
    const at = map!.at(written);
    if (claim === undefined) {
      const example = '@request.auth.claims.NAME or @request.auth.claims[OUTER][INNER]';
      report.error('field-invalid', at, `${at} names no claim; write ${example}`);
    }
    if (isForGateways !== true) {
      const why =
        'claims are known where a token is verified, which is at a gateway or at the pod that is called, and not where a sidecar chooses this route; name a gateway in spec.gateways, match a header that the client sets, or say in an AuthorizationPolicy of the pod who may call (request.auth.claims)';
      report.error('field-not-supported', at, `${at}: ${why}`);
    }
    if (!match || claim === undefined) return [];
    const name =
      claim.length === 1
        ? claim[0]!
        : `${claim[0]}${claim
            .slice(1)
            .map(each => `[${each}]`)
            .join('')}`;
    return [{ name, claim, match, ...(invert && { invert }) }];
  });
}
