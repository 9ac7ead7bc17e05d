// consul: configuration entries of Consul on Kubernetes as parts of the mesh. Pure. A ServiceRouter's, a ServiceSplitter's and a
// ServiceResolver's table for their Service, of which the first counts, and what the splitter and resolver of any Service make of
// targets that name it (Consul's discovery chain; see assemble/target-chains.ts). docs/policies/consul.md lists every field.
import type { KindTranslator } from '../dialect.ts';
import { jwtProviderTranslator } from './jwt-provider.ts';
import { proxyDefaultsTranslator } from './proxy-defaults.ts';
import { serviceDefaultsTranslator } from './service-defaults.ts';
import { serviceIntentionsTranslator } from './service-intentions.ts';
import { serviceResolverTranslator } from './service-resolver.ts';
import { serviceRouterTranslator } from './service-router.ts';
import { serviceSplitterTranslator } from './service-splitter.ts';

/** The kinds of Consul that Weft reads. */
export const consul: readonly KindTranslator[] = [
  serviceRouterTranslator,
  serviceSplitterTranslator,
  serviceResolverTranslator,
  serviceDefaultsTranslator,
  proxyDefaultsTranslator,
  serviceIntentionsTranslator,
  jwtProviderTranslator,
];
