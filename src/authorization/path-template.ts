const SLASH = 0x2f;

/**
 * A path whose segments may be `{*}`, one that is not empty, or as the last of them `{**}`, any number of them (Istio's
 * AuthorizationPolicy reference, "Path matching templates"). What stands between must be there byte for byte, so that
 * `/a/{**}` is `/a/` and below, and not `/a`.
 */
export class PathTemplate {
  /** What is between the operators, one more than there are of them. */
  readonly #literals: readonly Buffer[];
  /** Whether the last operator is `{**}`. */
  readonly #open: boolean;

  constructor(template: string) {
    const pieces = template.split(/(\{\*\*?\})/);
    this.#literals = pieces.filter((_, index) => index % 2 === 0).map(piece => Buffer.from(piece, 'utf8'));
    this.#open = pieces.includes('{**}');
  }

  /** What every path that matches begins with. */
  get beginning(): Buffer {
    return this.#literals[0]!;
  }

  test(bytes: Uint8Array, start: number, end: number): boolean {
    const literals = this.#literals;
    const last = literals.length - 1;
    let at = start;
    for (let i = 0; i < last; i++) {
      at = after(bytes, at, end, literals[i]!);
      if (at < 0) return false;
      if (this.#open && i === last - 1) break;
      const segment = at;
      while (at < end && bytes[at] !== SLASH) at++;
      if (at === segment) return false;
    }
    const rest = literals[last]!;
    const from = this.#open ? end - rest.length : at;
    return from >= at && after(bytes, from, end, rest) === end;
  }
}

/** The offset behind `literal`, which must stand at `at`; -1 where it does not. */
function after(bytes: Uint8Array, at: number, end: number, literal: Uint8Array): number {
  if (end - at < literal.length) return -1;
  for (let i = 0; i < literal.length; i++) if (bytes[at + i] !== literal[i]) return -1;
  return at + literal.length;
}
