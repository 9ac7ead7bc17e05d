// What policies say of who comes to one port, compiled: of a workload's own ports and of those of a gateway alike.
import { Authorizer, externalRules, type OpenSeries } from '../../authorization/index.ts';
import type { ExternalAuthorizer, InboundResource } from '../../model/index.ts';
import type { Clock } from '../../time/index.ts';
import type { AsksAuthorizer, OwnSide } from '../filters/external-authorization.ts';
import type { BytesCheck, BytesChecks } from '../filters/external-bytes.ts';
import { compileFilters, type RequestFilter } from '../filters/filter.interface.ts';
import { INBOUND_FILTERS, type PortRules } from '../filters/lists.ts';
import type { TrialLog } from './trial-log.ts';

/** What is told of decisions about who may call. */
export interface AuthorizationHost {
  readonly open: OpenSeries;
  readonly trials: TrialLog;
  /** Asks somebody outside. */
  readonly asks: (authorizer: ExternalAuthorizer) => AsksAuthorizer;
  /** This workload's identity, as far as it is known. */
  readonly principal: () => string;
}

/** Who may call one port, for requests and for what is not read. */
export interface PortAuthorization {
  readonly requests: Authorizer | undefined;
  readonly connections: Authorizer | undefined;
  readonly external: PortRules['external'];
  /** Who is asked about connections that `connections` lets in; undefined for nobody. */
  readonly asked: BytesChecks | undefined;
  readonly own: OwnSide;
}

/** Where somebody is called. */
export interface PortAddress {
  readonly address: string;
  readonly port: number;
}

type Said = Pick<InboundResource, 'authorization' | 'authorizers'>;

const nobody = (): string => '';

/** Compiled once, for all callers of the port. */
export function portAuthorization(
  { authorization: all, authorizers = [] }: Said,
  at: PortAddress,
  host: AuthorizationHost | undefined,
  clock: Clock,
): PortAuthorization {
  const { open, trials } = host ?? {};
  const requests = { ...at, of: 'requests' } as const;
  const bytes = { ...at, of: 'connections' } as const;
  const own = { ...at, principal: host?.principal ?? nobody, now: () => clock.now() };
  const asks = (provider: string): AsksAuthorizer | undefined => {
    const authorizer = authorizers.find(({ name }) => name === provider);
    return authorizer && host?.asks(authorizer);
  };
  const checks = externalRules(all, bytes).map(({ provider, rules }): BytesCheck => {
    return { provider, asks: asks(provider), match: caller => rules.matchConnection(caller)?.policy };
  });
  const compiled = {
    requests: Authorizer.of(all, requests, open),
    connections: Authorizer.of(all, bytes, open),
    external: externalRules(all, requests).map(({ provider, rules }) => ({
      provider,
      asks: asks(provider),
      match: request => rules.match(request)?.policy.from,
    })),
    asked: checks.length === 0 ? undefined : { checks, own },
    own,
  } satisfies PortAuthorization;
  for (const each of [compiled.requests, compiled.connections])
    if (each !== undefined && trials !== undefined) each.onTrial = trials.note;
  return compiled;
}

/** The filters that requests to the port meet before their route is looked for; none where nobody says anything of them. */
export function portFilters(
  { requests: authorizer, external, own }: PortAuthorization,
  { tokens, limits }: Pick<PortRules, 'tokens' | 'limits'>,
): readonly RequestFilter[] {
  return compileFilters(INBOUND_FILTERS, { tokens, authorizer, external, own, limits });
}
