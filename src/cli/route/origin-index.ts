import type { ObjectRef } from '../../model/index.ts';

/** Finds where objects were read: what proxies are told leaves that out. */
export class OriginIndex {
  readonly #refs = new Map<string, ObjectRef>();

  constructor(refs: Iterable<ObjectRef>) {
    for (const ref of refs) this.#refs.set(idOf(ref), ref);
  }

  /** The same object with its file and line, where these are known. */
  of(ref: ObjectRef | undefined): ObjectRef | undefined {
    return ref && (this.#refs.get(idOf(ref)) ?? ref);
  }
}

function idOf({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace}/${name}`;
}
