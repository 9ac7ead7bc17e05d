// ingress: Ingress of networking.k8s.io with the annotations of ingress-nginx, its classes, and ingress-nginx's ConfigMap. Each
// object is read by itself into what it says (ingress-model.ts); what a host answers follows from all of them, and is put
// together by translate/assemble. Pure.
import type { KindTranslator } from '../dialect.ts';
import { ingressConfigMapTranslator } from './config-map.ts';
import { ingressFieldsTranslator } from './fields.ts';
import { ingressTranslator } from './ingress.ts';
import { ingressClassTranslator } from './ingress-class.ts';

export type {
  FieldPairs,
  IngressDefaults,
  IngressSettings,
  ReadIngress,
  ReadIngressClass,
} from './ingress-model.ts';

/** The kinds of the dialect. */
export const ingress: readonly KindTranslator[] = [
  ingressTranslator,
  ingressClassTranslator,
  ingressConfigMapTranslator,
  ingressFieldsTranslator,
];
