// What two processes of one proxy say to each other while one takes over from the other: JSON over the channel that Node makes
// between a process and its child. Both may be of different versions: a type that a side does not know it passes over.
import type { UnderWay } from '../proxy/index.ts';
import type { ListeningSocket } from '../wire/index.ts';

/** What the new process begins with, in its environment. */
export interface Beginning {
  /** Version of the process before. */
  readonly from: string;
  /** Digest of the program that this one is. */
  readonly digest: string;
  readonly sockets: readonly ListeningSocket[];
  /** The descriptor of its line to the process that the container or the machine knows; see lifeline.ts. */
  readonly lifeline: number;
}

/** From the old process. */
export type ToSuccessor =
  /** It accepts no more: the new one does from now on. */
  | { readonly type: 'take-over' }
  /** What it has counted so far, for those who read metrics; the last before it ends is `final`. */
  | { readonly type: 'figures'; readonly id: number; readonly metrics: string; readonly final: boolean }
  | { readonly type: 'under-way'; readonly underWay: UnderWay };

/** From the new one. */
export type ToPredecessor =
  /** It has a certificate, what holds for its workload, and the control plane. */
  | { readonly type: 'ready'; readonly version: string }
  /** What it waits for. */
  | { readonly type: 'waits'; readonly why: string }
  /** It accepts. */
  | { readonly type: 'taken-over' }
  | { readonly type: 'ask-figures'; readonly id: number };
