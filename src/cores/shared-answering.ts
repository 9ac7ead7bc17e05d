import type { AnswerSink, AskMessage, QuestionHandler } from '../discovery/index.ts';

/** How the other threads are told something. */
export type TellCores = (
  message: AskMessage | { readonly type: 'unask'; readonly id: number } | { readonly type: 'unask-all' },
) => void;

interface Shared {
  readonly sink: AnswerSink;
  /** Threads that have not said all. */
  open: number;
  error: string | undefined;
}

/** Every thread of a proxy answers, and to who asks it is one answer: it is over when the last thread is. */
export class SharedAnswering implements QuestionHandler {
  readonly #own: QuestionHandler;
  readonly #others: number;
  readonly #tell: TellCores;
  readonly #open = new Map<number, Shared>();

  /** `own` answers for the first thread; `others`: how many there are besides. */
  constructor(own: QuestionHandler, others: number, tell: TellCores) {
    this.#own = own;
    this.#others = others;
    this.#tell = tell;
  }

  get kinds(): readonly string[] {
    return this.#own.kinds;
  }

  ask(message: AskMessage, sink: AnswerSink): void {
    const { id } = message;
    this.#open.set(id, { sink, open: this.#others + 1, error: undefined });
    this.#tell(message);
    this.#own.ask(message, {
      said: (items, left) => this.said(id, items, left),
      done: error => this.done(id, error),
    });
  }

  unask(id: number): void {
    if (!this.#open.delete(id)) return;
    this.#tell({ type: 'unask', id });
    this.#own.unask(id);
  }

  over(): void {
    if (this.#open.size > 0) this.#tell({ type: 'unask-all' });
    this.#open.clear();
    this.#own.over();
  }

  /** A thread has said something; after the end of the question nobody hears it. */
  said(id: number, items: readonly string[], left: number): void {
    this.#open.get(id)?.sink.said(items, left);
  }

  /** A thread has said all. */
  done(id: number, error?: string): void {
    const shared = this.#open.get(id);
    if (shared === undefined) return;
    shared.error ??= error;
    if (--shared.open > 0) return;
    this.#open.delete(id);
    shared.sink.done(shared.error);
  }
}
