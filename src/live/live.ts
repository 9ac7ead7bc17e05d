import {
  type AskableProxies,
  type AskableProxy,
  MAX_QUESTION_LENGTH,
  type Question,
} from '../discovery/index.ts';
import { WeftError } from '../errors/index.ts';

/** What is asked of which proxies. */
export interface LiveQuestion {
  readonly question: Question;
  /** Which proxies are meant, by `namespace/pod`. */
  readonly chosen: (pod: string) => boolean;
  /** Proxies that connect later are asked too, and the answer ends only when nobody wants it any more: for what goes on. */
  readonly follow: boolean;
}

/** Hears what the proxies say. */
export interface LiveListener {
  /** A proxy was asked. */
  asked(pod: string): void;
  /** Whatever the proxy says, which nobody has checked; `left`: so many items were left out before these. */
  said(pod: string, items: readonly unknown[], left: number): void;
  /** The proxy does not answer, or no longer. */
  failed(pod: string, why: string): void;
  /** Every proxy has said all. Never called where it follows. */
  over(): void;
}

/** So many questions to proxies are open at once on one replica; each may be to thousands of proxies. */
const maxOpen = 64;

/** Asks proxies on behalf of people: one, some or all of those that are connected to this replica. */
export class Live {
  readonly #proxies: () => AskableProxies | undefined;
  #open = 0;

  /** `proxies` may come later; until then nobody is there to be asked. */
  constructor(proxies: () => AskableProxies | undefined) {
    this.#proxies = proxies;
  }

  /** How many proxies of those that are meant are connected here. */
  count(chosen: (pod: string) => boolean): number {
    return (this.#proxies()?.proxies() ?? []).filter(({ pod }) => chosen(pod)).length;
  }

  /** Throws a WeftError `question-too-long` or `live-busy` when the question would not be taken. */
  check(question: Question): void {
    if (JSON.stringify(question).length > MAX_QUESTION_LENGTH) {
      const why = `the question is longer than ${MAX_QUESTION_LENGTH} characters; use fewer or shorter filters`;
      throw new WeftError('question-too-long', why, { source: 'downstream' });
    }
    if (this.#open >= maxOpen) {
      const why = `${maxOpen} taps and other questions are open at this replica of the control plane; end one, or come again later`;
      throw new WeftError('live-busy', why, { source: 'downstream' });
    }
  }

  /** Asks; the listener hears until everything was said or the signal aborts. Throws as `check` does. */
  ask({ question, chosen, follow }: LiveQuestion, listener: LiveListener, signal: AbortSignal): void {
    this.check(question);
    if (signal.aborted) return;
    this.#open++;
    const cancels = new Set<() => void>();
    let begun = false;
    const ended = (): void => {
      if (!begun || follow || cancels.size > 0 || signal.aborted) return;
      signal.removeEventListener('abort', stop);
      this.#open--;
      listener.over();
    };
    const ask = (proxy: AskableProxy): void => {
      if (!chosen(proxy.pod)) return;
      const { pod } = proxy;
      listener.asked(pod);
      let cancel: (() => void) | undefined;
      let done = false;
      cancel = proxy.ask(question, {
        said: (items, left) => listener.said(pod, items, left),
        done(why) {
          done = true;
          if (cancel) cancels.delete(cancel);
          if (why !== undefined) listener.failed(pod, why);
          ended();
        },
      });
      if (!done) cancels.add(cancel);
    };
    const proxies = this.#proxies();
    const unfollow = follow ? proxies?.onProxy(ask) : undefined;
    const stop = (): void => {
      this.#open--;
      unfollow?.();
      for (const cancel of cancels) cancel();
    };
    signal.addEventListener('abort', stop, { once: true });
    for (const proxy of proxies?.proxies() ?? []) ask(proxy);
    begun = true;
    ended();
  }
}
