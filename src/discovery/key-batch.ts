import { SUBSCRIBE_BATCH, type SubscribeMessage, type UnsubscribeMessage } from './protocol.ts';

/**
 * What a proxy wants and forgets since the last message: an app may ask for hundreds of destinations a second, and costs a few
 * messages. What is wanted and forgotten in between is never sent.
 */
export class KeyBatch {
  readonly #wanted = new Set<string>();
  readonly #forgotten = new Set<string>();

  want(key: string): void {
    this.#wanted.add(key);
  }

  /** A key that was forgotten, wanted and forgotten stays to be forgotten: the control plane knows of the time before. */
  forget(key: string): void {
    if (!this.#wanted.delete(key)) this.#forgotten.add(key);
  }

  clear(): void {
    this.#wanted.clear();
    this.#forgotten.clear();
  }

  /**
   * The messages that say it, and nothing is left. What was forgotten comes first: of a key that is wanted again the control
   * plane then sends all once more, which is what a proxy that dropped it needs.
   */
  take(): (SubscribeMessage | UnsubscribeMessage)[] {
    const forgotten = inBatches(this.#forgotten).map(keys => ({ type: 'unsubscribe' as const, keys }));
    const wanted = inBatches(this.#wanted).map(keys => ({ type: 'subscribe' as const, keys }));
    this.clear();
    return [...forgotten, ...wanted];
  }
}

/** Keys as many messages take them. */
export function inBatches(keys: Iterable<string>): string[][] {
  const all = [...keys];
  const count = Math.ceil(all.length / SUBSCRIBE_BATCH);
  return Array.from({ length: count }, (_, index) =>
    all.slice(index * SUBSCRIBE_BATCH, (index + 1) * SUBSCRIBE_BATCH),
  );
}
