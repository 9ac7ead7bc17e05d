import { internalError } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import type {
  ObservedMirror,
  ObservedRefusal,
  ObservedRequest,
  ObservedSession,
  RequestObserver,
} from './observer.interface.ts';

/**
 * Who watches. Whoever carries something asks `watching` first and makes nothing where it is false; that compare is all that a
 * request pays when nobody does.
 */
export class Observers {
  watching = false;
  #all: readonly RequestObserver[] = [];

  /** Lets it watch from now on. The answer ends that. */
  add(observer: RequestObserver): () => void {
    this.#all = [...this.#all, observer];
    this.watching = true;
    return () => {
      this.#all = this.#all.filter(each => each !== observer);
      this.watching = this.#all.length > 0;
    };
  }

  forward(request: ObservedRequest): void {
    this.#tell(each => each.onForward?.(request));
  }

  answer(request: ObservedRequest, head: Head): void {
    this.#tell(each => each.onAnswer?.(request, head));
  }

  requestEnd(request: ObservedRequest): void {
    this.#tell(each => each.onRequestEnd?.(request));
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

  #tell(call: (observer: RequestObserver) => void): void {
    for (const each of this.#all) {
      try {
        call(each);
      } catch (thrown) {
        internalError('observer', thrown);
      }
    }
  }
}
