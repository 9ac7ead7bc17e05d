/** A message that must be refused. Bytes are latin1. */
export interface Attack {
  readonly name: string;
  readonly bytes: string;
  /** The code of the fault that names it. */
  readonly fault: string;
  /** What the attacker gets as an answer. */
  readonly status: number;
  /** Where it was published, or which rule it breaks. */
  readonly source: string;
  /** The head is valid and has gone on when the body turns out not to be. */
  readonly inBody?: boolean;
}

/** An answer of an upstream that must not reach the client as it is. */
export interface AnswerAttack {
  readonly name: string;
  /** The request that it answers; GET / when not given. */
  readonly request?: string;
  readonly bytes: string;
  /** Words of the failure, or '' when the answer passes but the rest does not. */
  readonly words: string;
  /** What the client gets; 0 for a broken connection. */
  readonly status: number;
  readonly source: string;
}
