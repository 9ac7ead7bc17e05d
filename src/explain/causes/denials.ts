// Why authorization refused: from the words of proxy/filters/authorization.ts and proxy/accept/denied-bytes.ts.
import { formatRef, type ObjectRef } from '../../model/index.ts';
import { type Cause, withObject } from '../cause.ts';
import type { Tools } from '../tools.ts';

/** Who was refused, and in which words. */
export interface Denied {
  readonly detail: string;
  /** The SPIFFE id of who called; '' in plaintext. */
  readonly principal: string;
  readonly downstream: string;
  readonly method?: string;
  readonly path?: string;
}

export function isDenial(detail: string): boolean {
  return detail.startsWith('rbac_access_denied');
}

/** `self`: who was called. */
export function denialCause(
  { detail, principal, downstream, method = '', path = '' }: Denied,
  self: string,
  from: ObjectRef | undefined,
  tools: Tools,
): Omit<Cause, 'code'> {
  const [, code = '', words = detail] = /^(\S+): (.*)$/s.exec(detail) ?? [];
  const who =
    principal === '' ? `${downstream.replace(/:\d+$/, '')} in plaintext, without an identity` : principal;
  const what = method === '' ? `bytes to ${self}` : `${method} ${path} of ${self}`;
  const isNone = code.endsWith('[none]');
  const name = from === undefined ? 'an ALLOW policy' : nameOf(from);
  const remedy = isNone
    ? `if it is to be allowed, add a rule to ${name} whose from and to are these`
    : `if it is to be allowed, take it out of that rule of ${name}: notPrincipals, notPaths, or a narrower value`;
  return {
    words: `${who} may not call ${what}: ${words}`,
    ...withObject(from),
    remedy:
      principal === ''
        ? `${remedy}; rules about principals and namespaces hold for callers inside the mesh only`
        : remedy,
    commands: from === undefined ? [] : [tools.show(from)],
  };
}

function nameOf(from: ObjectRef): string {
  const { origin: _, ...ref } = from;
  return formatRef(ref);
}
