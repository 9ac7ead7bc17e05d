import type { Question } from '../discovery/index.ts';

/** Who asks, as an answerer sees them. */
export interface Asker {
  /**
   * Says an item, which must be plain data: it is written as JSON at once and not kept. False when it was left out, because the
   * bounds of the proxy are reached; what is left out is counted and told. May be called after the question is over, in vain.
   */
  say(item: object): boolean;
  /** An item is left out because of a limit that the asker asked for: counted and told as those that the bounds leave out. */
  skip(): void;
  /** No more is said; with the reason where there is no answer. */
  done(error?: string): void;
  /** Which part of the proxy this thread is, in (0, 1]: limits of a whole proxy are to be multiplied by it. */
  readonly share: number;
}

/**
 * Answers questions of one kind, each of which it has to read as what somebody else wrote. What it returns is called when the
 * question is over before `done`: the asker has gone.
 */
export type Answerer = (question: Question, asker: Asker) => (() => void) | undefined;

/** Who answers which kind of question. */
export type AnswererTable = Readonly<Record<string, Answerer>>;
