// haproxy: the annotations of HAProxy's Kubernetes ingress controller on Ingresses and Services, and its ConfigMap, for
// IngressClasses with `weft.dev/dialect: haproxy`. In: objects. Out: their words; dialect.ts says what they come to. Pure.
import type { KindTranslator } from '../dialect.ts';
import { haproxyConfigTranslator, haproxyIngressTranslator, haproxyServiceTranslator } from './words.ts';

/** The kinds of the dialect. */
export const haproxy: readonly KindTranslator[] = [
  haproxyIngressTranslator,
  haproxyServiceTranslator,
  haproxyConfigTranslator,
];
