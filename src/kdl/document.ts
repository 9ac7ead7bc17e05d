/** A place in a text that somebody wrote; lines and columns begin with 1, columns count characters. */
export interface TextPosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `edge.kdl:12:5` */
export function formatPosition({ file, line, column }: TextPosition): string {
  return `${file}:${line}:${column}`;
}

/** Something wrong with a document. `error`: it cannot be used; `warning`: it can, but not as its author may think. */
export interface KdlProblem {
  readonly severity: 'error' | 'warning';
  /** Stable, kebab-case, documented in docs/errors.md. */
  readonly code: string;
  /** Lowercase; names the thing and the likely remedy. */
  readonly message: string;
  readonly at: TextPosition;
}

/** `edge.kdl:12:5: error: listeners has no block listner; did you mean listener? (kdl-unknown-name)` */
export function formatProblem({ at, severity, message, code }: KdlProblem): string {
  return `${formatPosition(at)}: ${severity}: ${message} (${code})`;
}

/** What KDL knows for values. */
export type KdlScalar = string | number | boolean | null;

/** A value, and where it stands. */
export interface KdlValue {
  readonly value: KdlScalar;
  readonly at: TextPosition;
}

/** `name=value` of a node. */
export interface KdlProperty extends KdlValue {
  readonly name: string;
  /** Where its name stands; `at` is its value's place. */
  readonly nameAt: TextPosition;
}

/** A node: `name argument… property=value… { children }`. */
export interface KdlNode {
  readonly name: string;
  readonly at: TextPosition;
  readonly args: readonly KdlValue[];
  /** Of two with one name the last counts, as KDL has it; all are here. */
  readonly properties: readonly KdlProperty[];
  readonly children: readonly KdlNode[];
}

/** A text that was read: its nodes, and what is to be said about it. No nodes where a problem is an error. */
export interface KdlDocument {
  readonly nodes: readonly KdlNode[];
  readonly problems: readonly KdlProblem[];
}
