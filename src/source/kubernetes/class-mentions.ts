/** What the Ingresses of a class name, counted: there may be thousands of them that name the same. */
export class ClassMentions {
  /** By key of the Ingress. */
  readonly #all = new Map<string, { readonly className: string; readonly things: readonly string[] }>();
  /** By class: how many of its Ingresses name which thing. */
  readonly #counts = new Map<string, Map<string, number>>();

  set(key: string, className: string, things: readonly string[]): void {
    this.delete(key);
    if (things.length === 0) return;
    this.#all.set(key, { className, things });
    this.#count(className, things, 1);
  }

  delete(key: string): void {
    const before = this.#all.get(key);
    if (before === undefined) return;
    this.#all.delete(key);
    this.#count(before.className, before.things, -1);
  }

  /** What Ingresses of the classes name that `isOurs` holds for; '' is that of Ingresses that name none. */
  of(isOurs: (className: string) => boolean): readonly string[] {
    return [...this.#counts].flatMap(([className, counts]) => (isOurs(className) ? [...counts.keys()] : []));
  }

  #count(className: string, things: readonly string[], by: number): void {
    const counts = this.#counts.get(className) ?? new Map<string, number>();
    this.#counts.set(className, counts);
    for (const each of things) {
      const next = (counts.get(each) ?? 0) + by;
      if (next > 0) counts.set(each, next);
      else counts.delete(each);
    }
    if (counts.size === 0) this.#counts.delete(className);
  }
}
