import type { Question } from '../../discovery/index.ts';
import type { RequestObserver } from '../../proxy/observation/observer.interface.ts';
import { type Clock, TokenBucket } from '../../time/index.ts';
import type { Answerer, Asker } from '../index.ts';
import { itemOfMirror, itemOfRefusal, itemOfRequest, itemOfSession } from './describe.ts';
import { TapMatch } from './match.ts';
import { readTapQuestion } from './question.ts';

/** Where a tap hears of requests. */
export interface Watchable {
  /** Lets it watch until the returned function is called. */
  add(observer: RequestObserver): () => void;
}

/**
 * Answers `tap`: tells requests as they end, and what never became one, until nobody wants to know. Nothing is watched while
 * nobody taps. `observers` is called when a question has come.
 */
export function tapAnswerer(observers: () => Watchable, clock: Clock): Answerer {
  return (question: Question, asker: Asker) => {
    const read = readTapQuestion(question);
    if (typeof read === 'string') {
      asker.done(read);
      return undefined;
    }
    const perSecond = Math.max(1, Math.ceil(read.maxRps * asker.share));
    const rate = new TokenBucket(
      { maxTokens: perSecond, perFill: perSecond / 1000, fillIntervalMs: 1 },
      clock.monotonic(),
    );
    const match = new TapMatch(read);
    const headers = read.show ?? [];
    const tell = (item: () => object): void => {
      if (rate.take(clock.monotonic())) asker.say(item());
      else asker.skip();
    };
    return observers().add({
      onRequestEnd(request) {
        if (match.request(request)) tell(() => itemOfRequest(request, headers, clock));
      },
      onSessionEnd(session) {
        if (match.session(session)) tell(() => itemOfSession(session, clock));
      },
      onRefusal(refusal) {
        if (match.refusal(refusal)) tell(() => itemOfRefusal(refusal, clock));
      },
      onMirrorFailed(mirror) {
        if (match.mirror(mirror)) tell(() => itemOfMirror(mirror, clock));
      },
    });
  };
}
