import type { Resource } from '../model/index.ts';
import type { AskMessage } from './protocol.ts';

/**
 * Where a proxy's resources come from, whatever is behind it: the control plane, files, or the Kubernetes API in-process.
 * Implementations deliver every change through the sink they were built with.
 */
export interface ResourceStream {
  /** Asks for a destination and keeps asking until `forget`. The answer comes through the sink, never from this call. */
  want(key: string): void;
  /** The destination is no longer used. */
  forget(key: string): void;
  /** Ends it; nothing is delivered afterwards. */
  close(): void;
}

/** What receives resources: the proxy's runtime. */
export interface ResourceSink {
  /** Puts the resource to use. Returns undefined, or the reason why it was refused and the last good one stays. */
  apply(resource: Resource): string | undefined;
  /** Whether the stream is connected to its source, with the reason when it is not; for readiness, metrics and logs. */
  connection(up: boolean, reason: string): void;
}

/** Where a proxy's answer to one question goes. Never holds memory: what cannot be sent now is left out, counted, and told. */
export interface AnswerSink {
  /** `items` as JSON; `left`: how many were left out before them. */
  said(items: readonly string[], left: number): void;
  /** No more is said. */
  done(error?: string): void;
}

/** What answers the control plane's questions; src/live has it. */
export interface QuestionHandler {
  /** Kinds of questions that it can answer. */
  readonly kinds: readonly string[];
  /** A question has come. Its answer goes to `sink`, until `unask` or `over`. */
  ask(message: AskMessage, sink: AnswerSink): void;
  /** Nobody wants the answer to that one any more. */
  unask(id: number): void;
  /** The connection is gone, and whoever asked. */
  over(): void;
}
