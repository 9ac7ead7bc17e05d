import { type Flag, internalError } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import type { Route } from '../../model/index.ts';
import type {
  ObservedMirror,
  ObservedRefusal,
  ObservedRequest,
  ObservedSession,
  RequestObserver,
} from './observer.interface.ts';

/** One of them. */
interface Watcher {
  readonly observer: RequestObserver;
  /** Whether it hears of the request that is ending. */
  wanted: boolean;
}

/**
 * Who watches. Whoever carries something asks `watching` first and makes nothing where it is false; that compare is all that a
 * request pays when nobody does.
 */
export class Observers {
  watching = false;
  /** Whether anybody looks at requests that go on, and at answers. */
  forwards = false;
  answers = false;
  #all: readonly Watcher[] = [];

  /** Lets it watch from now on. The answer ends that. */
  add(observer: RequestObserver): () => void {
    this.#use([...this.#all, { observer, wanted: false }]);
    return () => this.#use(this.#all.filter(each => each.observer !== observer));
  }

  forward(request: ObservedRequest): void {
    for (const { observer } of this.#all) {
      try {
        observer.onForward?.(request);
      } catch (thrown) {
        internalError('observer', thrown);
      }
    }
  }

  answer(request: ObservedRequest, head: Head): void {
    this.#tell(each => each.onAnswer?.(request, head));
  }

  /** Whether anybody wants to hear of this end; see RequestObserver.wants. `requestEnd` tells those, and must follow at once. */
  wantEnd(
    status: number,
    flag: Flag | '',
    route: Route | undefined,
    durationMs: number,
    endMs: number,
    attempts: number,
  ): boolean {
    let any = false;
    const all = this.#all;
    // Asked for each request: no iterator.
    for (let i = 0; i < all.length; i++) {
      const each = all[i]!;
      const { observer } = each;
      try {
        each.wanted =
          observer.onRequestEnd !== undefined &&
          (observer.wants === undefined || observer.wants(status, flag, route, durationMs, endMs, attempts));
      } catch (thrown) {
        internalError('observer', thrown);
      }
      if (each.wanted) any = true;
    }
    return any;
  }

  requestEnd(request: ObservedRequest): void {
    for (const { observer, wanted } of this.#all) {
      if (!wanted) continue;
      try {
        observer.onRequestEnd?.(request);
      } catch (thrown) {
        internalError('observer', thrown);
      }
    }
  }

  sessionEnd(session: ObservedSession): void {
    this.#tell(each => each.onSessionEnd?.(session));
  }

  refusal(refusal: ObservedRefusal): void {
    this.#tell(each => each.onRefusal?.(refusal));
  }

  mirrorFailed(mirror: ObservedMirror): void {
    this.#tell(each => each.onMirrorFailed?.(mirror));
  }

  #use(all: readonly Watcher[]): void {
    this.#all = all;
    this.watching = all.length > 0;
    this.forwards = all.some(({ observer }) => observer.onForward !== undefined);
    this.answers = all.some(({ observer }) => observer.onAnswer !== undefined);
  }

  #tell(call: (observer: RequestObserver) => void): void {
    for (const { observer } of this.#all) {
      try {
        call(observer);
      } catch (thrown) {
        internalError('observer', thrown);
      }
    }
  }
}
