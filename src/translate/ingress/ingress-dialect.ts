// Whose annotations Ingresses speak in. ingress-nginx's are read with the Ingress itself (settings.ts). What other controllers
// say on Ingresses, on Services and by kinds of their own is read object by object into words; what they come to for one path is
// known where all of them are (translate/assemble).
import type { ObjectRef, Problem } from '../../model/index.ts';
import type { HaproxyWords } from '../haproxy/words.ts';
import type { Part } from '../part.ts';
import type { TraefikWords } from '../traefik/model.ts';
import type { IngressDefaults, IngressPath, IngressSettings, ReadIngress } from './ingress-model.ts';
import type { OrderPaths } from './paths.ts';

/** What the annotation `weft.dev/dialect` of an IngressClass can be. */
export const INGRESS_DIALECT_NAMES = ['ingress-nginx', 'haproxy', 'traefik'] as const;
/** One of INGRESS_DIALECT_NAMES. */
export type IngressDialectName = (typeof INGRESS_DIALECT_NAMES)[number];

/** What one object says, beside the rules of an Ingress, in the words of one dialect. */
export type IngressWords = HaproxyWords | TraefikWords;

/** What all words of a dialect have. */
export interface WordsBase {
  /** `namespace/name` of the object. */
  readonly key: string;
  /** The object was refused, and nothing of it ever held: paths that depend on it answer 503. */
  readonly refused?: true;
  /** Of an Ingress: what is wrong with it. An error lets the whole Ingress be what it was before. */
  readonly problems?: readonly Problem[];
  readonly from: ObjectRef;
}

/** All that was said; undefined where an object of that key says nothing. */
export interface SaidWords {
  /** `of`: all but what Ingresses say, which ReadIngress has (`words`). */
  find(dialect: IngressDialectName, of: IngressWords['of'], key: string): IngressWords | undefined;
  /** Of the controller as a whole: the first object by name. */
  config(dialect: IngressDialectName): IngressWords | undefined;
}

/** One path of an Ingress, and what was said of it. */
export interface PathWords {
  readonly ingress: ReadIngress;
  readonly path: Pick<IngressPath, 'path' | 'target' | 'at' | 'route'>;
  readonly words: SaidWords;
}

/** What is wrong with a path because of what others say, for the author of its Ingress. */
export interface PathProblem {
  /** Inside the Ingress. */
  readonly path: string;
  readonly message: string;
}

/** A dialect of Ingresses beside ingress-nginx's own. Pure. */
export interface IngressDialect {
  readonly name: IngressDialectName;
  /** How its annotations begin. */
  readonly prefixes: readonly string[];
  readonly defaults: IngressDefaults;
  readonly order: OrderPaths;
  /** The Ingress with what its routes come to, for kinds that have such. */
  resolve?(ingress: ReadIngress, words: SaidWords): ReadIngress;
  /** What holds for the path; undefined where it must not be served, because of one of `problems`. */
  settings(of: PathWords): IngressSettings | undefined;
  /** Why it must not be served. */
  problems(of: PathWords): readonly PathProblem[];
}

/** The part with what is wrong with its object: an error refuses it. */
export function withProblems(part: Part, problems: readonly Problem[]): Part {
  if (part.kind !== 'ingress-words' || problems.length === 0) return part;
  const told = { ...part, words: { ...part.words, problems } };
  return problems.some(({ severity }) => severity === 'error') ? asRefused(told) : told;
}

/** The part of an object that cannot be carried out. */
export function asRefused(part: Part): Part {
  return part.kind === 'ingress-words' ? { ...part, words: { ...part.words, refused: true } } : part;
}
