// proxy/edge: what a gateway asks of its clients and does to what they get, beside what sidecars do: sizes of bodies, addresses,
// passwords, questions to others (auth_request), limits for each client, pages for errors, compression, rates of answers. In:
// EdgePolicy of a route. Out: filters in their places of filters/lists.ts. Loaded by gateways alone; the meanings are nginx's.
import type { EdgePolicy, Route } from '../../model/index.ts';
import type { EdgeFilters, EdgePlace, EdgeServices, MakeEdgeFilters } from '../filters/edge.interface.ts';
import type { RequestFilter } from '../filters/filter.interface.ts';
import { accessFilter } from './access.ts';
import { answersFilter } from './answers.ts';
import { AuthQuestions } from './auth-request.ts';
import { bodySizeFilter } from './body-size.ts';
import { clientCertificatesFilter } from './client-certificates.ts';
import { ClientLimits } from './client-limits.ts';
import { fieldSizesFilter } from './field-sizes.ts';
import { httpsFilter } from './https.ts';
import { Passwords } from './passwords.ts';
import type { SharedCounts } from './shared-counts.interface.ts';

export type { RateAnswer, RateQuestion, SharedCounts } from './shared-counts.interface.ts';

/** The filters of an edge's routes; given to a data plane by DataPlaneOptions.edge. */
export const edgeFilters: MakeEdgeFilters = services => filtersOf(services, undefined);

/** The same where clients' limits are those of all replicas. */
export function edgeFiltersSharing(shared: SharedCounts): MakeEdgeFilters {
  return services => filtersOf(services, shared);
}

function filtersOf(services: EdgeServices, shared: SharedCounts | undefined): EdgeFilters {
  const limits = new ClientLimits(shared, outcome => services.limited(outcome));
  const passwords = new Passwords();
  const questions = new AuthQuestions(services);
  const makers: Readonly<Record<EdgePlace, (policy: EdgePolicy, route: Route) => RequestFilter | undefined>> =
    {
      'edge-answers': policy => answersFilter(policy, services),
      'field-sizes': policy => fieldSizesFilter(policy),
      'body-size': policy => bodySizeFilter(policy),
      https: policy => httpsFilter(policy),
      'client-certificates': policy => clientCertificatesFilter(policy),
      'client-limits': policy => limits.filter(policy),
      'edge-access': (policy, { name }) => accessFilter(policy, name, passwords, questions),
    };
  return { compile: (place, policy, route) => makers[place](policy, route) } satisfies EdgeFilters;
}
