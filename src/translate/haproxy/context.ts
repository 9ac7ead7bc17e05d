import type { ObjectRef } from '../../model/index.ts';
import type { HaproxyAnnotations } from './annotations.ts';

/** Whose annotations they are. */
export interface HaproxyContext {
  /** Of the Ingress. */
  readonly namespace: string;
  readonly name: string;
  readonly from: ObjectRef;
  /** These are what one object says, and what they only count with may stand on another. */
  readonly isAlone: boolean;
}

/** The name of a Secret of the Ingress's namespace: others' Secrets are for others. */
export function secretOf(
  annotations: HaproxyAnnotations,
  name: 'auth-secret' | 'server-ca' | 'server-crt',
  namespace: string,
): string | undefined {
  const named = annotations.text(name);
  if (named === undefined) return undefined;
  const [first = '', second, ...more] = named.split('/');
  if (more.length > 0 || first === '' || second === '')
    return annotations.wrong(name, `'${named}' is no NAME or NAMESPACE/NAME of a Secret`);
  if (second !== undefined && first !== namespace)
    return annotations.wrong(name, `'${named}' is of another namespace; copy it to ${namespace}`);
  return second ?? first;
}
