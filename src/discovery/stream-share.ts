import { perSecond, TokenBucket } from '../time/index.ts';
import type { ProxyMessage } from './protocol.ts';
import type { DiscoveryLimits } from './server.interface.ts';

/** What one proxy may cost the control plane: messages, keys that are asked for, and bytes of answers a second. */
export class StreamShare {
  readonly #messages: TokenBucket;
  readonly #keys: TokenBucket;
  readonly #answerBytes: TokenBucket;

  constructor(limits: DiscoveryLimits, nowMs: number) {
    this.#messages = new TokenBucket(perSecond(limits.messagesPerSecond), nowMs);
    this.#keys = new TokenBucket(perSecond(limits.keysPerSecond), nowMs);
    this.#answerBytes = new TokenBucket(perSecond(limits.answerBytesPerSecond), nowMs);
  }

  /** Takes what a message of `length` bytes costs; the time until that is earned, ms. */
  borrow(message: ProxyMessage | undefined, length: number, nowMs: number): number {
    const keys = message?.type === 'subscribe' || message?.type === 'unsubscribe' ? message.keys.length : 0;
    return Math.max(
      this.#messages.borrow(1, nowMs),
      this.#keys.borrow(keys, nowMs),
      message?.type === 'said' ? this.#answerBytes.borrow(length, nowMs) : 0,
    );
  }
}
