import type { CheckedValue, ValueType } from './values.ts';

/**
 * What becomes of an option. `supported`: it does what it says. `ignored`: it is taken, has no effect, and a warning says so.
 * `refused`: the document is refused, since to leave it out would change what is promised.
 */
export type OptionMark = 'supported' | 'ignored' | 'refused';

/** A named thing inside a block. Exactly one of `type`, `block` and `variants` is there, or `type` beside `block`. */
export interface OptionSchema {
  /** `supported` unless told. */
  readonly mark?: OptionMark;
  /** Why it is ignored or refused, and what to do instead. */
  readonly why?: string;
  /** Of its arguments: one, or with `many` any number. */
  readonly type?: ValueType;
  readonly block?: BlockSchema;
  /** Its first argument says which block it is: `discovery "dns" { … }`. */
  readonly variants?: Readonly<Record<string, BlockSchema>>;
  /** The variant where no argument says one. */
  readonly variant?: string;
  /** May be there more than once; each is read. */
  readonly many?: boolean;
  readonly required?: boolean;
  /** What holds where it is not there; as the type reads it. */
  readonly fallback?: CheckedValue;
  /** Other names of the same option. */
  readonly aliases?: readonly string[];
}

/** What may stand between two braces. */
export interface BlockSchema {
  readonly options: Readonly<Record<string, OptionSchema>>;
  /** The options that its arguments fill, in their order: `target "10.0.0.1:80"` is `target { address "10.0.0.1:80" }`. */
  readonly args?: readonly string[];
  /** One of `options`, whose value says which options there are beside: `filter "x" { type "cors"; allowed-origins "*" }`. */
  readonly by?: { readonly option: string; readonly variants: Readonly<Record<string, BlockSchema>> };
  /** Names are the user's own: each is an entry with a value of this type. */
  readonly free?: ValueType;
  /** Of a variant. */
  readonly mark?: OptionMark;
  readonly why?: string;
}
