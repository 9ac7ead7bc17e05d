// traefik: Traefik's annotations on Ingresses and Services, and its Middlewares, for IngressClasses with `weft.dev/dialect:
// traefik`. In: objects. Out: their words; dialect.ts says what they come to. Pure.
import type { KindTranslator } from '../dialect.ts';
import { ingressRouteKinds } from './ingress-route-kinds.ts';
import {
  middlewareTranslators,
  tlsOptionKinds,
  traefikIngressTranslator,
  traefikServiceKinds,
  traefikServiceTranslator,
} from './words.ts';

/** The kinds of the dialect. */
export const traefik: readonly KindTranslator[] = [
  traefikIngressTranslator,
  traefikServiceTranslator,
  ...middlewareTranslators,
  ...traefikServiceKinds,
  ...tlsOptionKinds,
  ...ingressRouteKinds,
];
