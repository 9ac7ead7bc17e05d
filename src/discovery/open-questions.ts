import {
  type DoneMessage,
  MAX_QUESTIONS,
  type Question,
  type SaidMessage,
  type ServerMessage,
} from './protocol.ts';
import type { QuestionListener } from './server.interface.ts';

/** What one proxy has been asked and has not answered whole. */
export class OpenQuestions {
  readonly #send: (message: ServerMessage) => void;
  readonly #kinds: readonly string[] | undefined;
  readonly #open = new Map<number, QuestionListener>();
  #lastId = 0;
  /** Why nobody answers any more. */
  #over: string | undefined;

  /** `kinds`: what the proxy says that it can answer; undefined for one of a version before there were questions. */
  constructor(kinds: readonly string[] | undefined, send: (message: ServerMessage) => void) {
    this.#kinds = kinds;
    this.#send = send;
  }

  /** See AskableProxy.ask. */
  ask(question: Question, listener: QuestionListener): () => void {
    const refusal = this.#refusal(question.kind);
    if (refusal !== undefined) {
      listener.done(refusal);
      return () => {};
    }
    const id = ++this.#lastId;
    this.#open.set(id, listener);
    this.#send({ type: 'ask', id, question });
    return () => {
      if (this.#open.delete(id)) this.#send({ type: 'unask', id });
    };
  }

  #refusal(kind: string): string | undefined {
    if (this.#over !== undefined) return this.#over;
    if (this.#kinds === undefined || !this.#kinds.includes(kind))
      return `this proxy is too old for '${kind}'; restart its pod to get the version of the control plane`;
    if (this.#open.size >= MAX_QUESTIONS)
      return `${MAX_QUESTIONS} others ask this proxy just now, and no more are let in; come again when one has ended`;
    return undefined;
  }

  /** The proxy has answered; what belongs to no open question is passed over, because it may have been under way. */
  heard(message: SaidMessage | DoneMessage): void {
    const listener = this.#open.get(message.id);
    if (listener === undefined) return;
    if (message.type === 'said') {
      listener.said(message.items, message.left ?? 0);
      return;
    }
    this.#open.delete(message.id);
    if (message.left !== undefined) listener.said([], message.left);
    listener.done(message.error);
  }

  /** The stream is over: nobody answers any more. */
  close(why: string): void {
    this.#over = why;
    const listeners = [...this.#open.values()];
    this.#open.clear();
    for (const listener of listeners) listener.done(why);
  }
}
