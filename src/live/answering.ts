import type { AnswerSink, AskMessage, QuestionHandler } from '../discovery/index.ts';
// Not by the room's index: the server of discovery is no part of a proxy.
import { MAX_QUESTIONS } from '../discovery/protocol.ts';
import { guarded, INTERNAL_ERROR } from '../errors/index.ts';
import { type Cancel, type Clock, TokenBucket } from '../time/index.ts';
import type { AnswererTable, Asker } from './answerer.ts';

/** What is said within this time goes out together. */
const gatherMs = 50;
/** So many characters at the most are gathered; then they go out at once. */
const maxGathered = 32 << 10;
/** And so many items. */
const maxItems = 500;
/** A longer item is left out. */
const maxItemLength = 32 << 10;
/** Characters that a proxy says in a second to all that ask, and at once. */
const perSecond = 256 << 10;
const burst = 1 << 20;

/** What answers are made of. */
export interface AnsweringOptions {
  readonly answerers: AnswererTable;
  readonly clock: Clock;
  /** How many threads the proxy has, each of which answers; 1 unless told. */
  readonly threads?: number;
}

/** Answers the questions of the control plane with what the answerers know, within bounds. One for each thread of a proxy. */
export class Answering implements QuestionHandler {
  readonly kinds: readonly string[];
  readonly #options: AnsweringOptions;
  readonly #open = new Map<number, OpenAnswer>();
  readonly #characters: TokenBucket;

  constructor(options: AnsweringOptions) {
    this.#options = options;
    this.kinds = Object.keys(options.answerers);
    const { clock, threads = 1 } = options;
    const size = { maxTokens: burst / threads, perFill: perSecond / threads / 1000, fillIntervalMs: 1 };
    this.#characters = new TokenBucket(size, clock.monotonic());
  }

  ask({ id, question }: AskMessage, sink: AnswerSink): void {
    const { answerers, clock, threads = 1 } = this.#options;
    const answerer = Object.hasOwn(answerers, question.kind) ? answerers[question.kind] : undefined;
    if (answerer === undefined) {
      sink.done(`this proxy has no answer to '${question.kind}'; it knows ${this.kinds.join(', ')}`);
      return;
    }
    if (this.#open.size >= MAX_QUESTIONS || this.#open.has(id)) {
      sink.done(`${MAX_QUESTIONS} questions are open at this proxy; come again when one has ended`);
      return;
    }
    const answer = new OpenAnswer(sink, clock, this.#characters, 1 / threads, () => this.#open.delete(id));
    this.#open.set(id, answer);
    guarded(
      'live.ask',
      () => answer.begin(() => answerer(question, answer)),
      () => answer.done(INTERNAL_ERROR),
    )();
  }

  unask(id: number): void {
    this.#open.get(id)?.giveUp();
  }

  over(): void {
    for (const answer of [...this.#open.values()]) answer.giveUp();
  }
}

/** The answer to one question, gathered into lines. */
class OpenAnswer implements Asker {
  readonly share: number;
  readonly #sink: AnswerSink;
  readonly #clock: Clock;
  readonly #characters: TokenBucket;
  readonly #closed: () => void;
  #items: string[] = [];
  #gathered = 0;
  #left = 0;
  #stopGathering: Cancel | undefined;
  #stop: (() => void) | undefined;
  #over = false;

  constructor(sink: AnswerSink, clock: Clock, characters: TokenBucket, share: number, closed: () => void) {
    this.#sink = sink;
    this.#clock = clock;
    this.#characters = characters;
    this.share = share;
    this.#closed = closed;
  }

  begin(answer: () => (() => void) | undefined): void {
    const stop = answer();
    // It may be over already: everything was said at once.
    if (this.#over) stop?.();
    else this.#stop = stop;
  }

  say(item: object): boolean {
    if (this.#over) return false;
    const text = this.#room() ? JSON.stringify(item) : undefined;
    this.#gatherOn();
    if (text === undefined || text.length > maxItemLength) {
      this.#left++;
      return false;
    }
    this.#characters.borrow(text.length, this.#clock.monotonic());
    this.#items.push(text);
    this.#gathered += text.length;
    if (this.#gathered >= maxGathered || this.#items.length >= maxItems) this.#flush();
    return true;
  }

  skip(): void {
    if (this.#over) return;
    this.#left++;
    this.#gatherOn();
  }

  done(error?: string): void {
    if (this.#over) return;
    this.#end();
    this.#flush();
    this.#sink.done(error);
  }

  giveUp(): void {
    if (!this.#over) this.#end();
  }

  #end(): void {
    this.#over = true;
    this.#stopGathering?.();
    this.#closed();
    this.#stop?.();
  }

  #room(): boolean {
    return this.#characters.waitMs(this.#clock.monotonic()) === 0;
  }

  /** What is left out is told in time too, when nothing else is said. */
  #gatherOn(): void {
    this.#stopGathering ??= this.#clock.after(gatherMs, () => {
      this.#stopGathering = undefined;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#items.length === 0 && this.#left === 0) return;
    const [items, left] = [this.#items, this.#left];
    this.#items = [];
    this.#gathered = 0;
    this.#left = 0;
    this.#sink.said(items, left);
  }
}
