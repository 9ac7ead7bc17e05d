import type { Credentials } from '../identity/index.ts';
import type { Resource } from '../model/index.ts';

/** What is under way on one core. */
export interface CoreFigures {
  readonly exchanges: number;
  /** Those of them that have become tunnels. */
  readonly tunnels: number;
  readonly inbound: number;
  readonly outbound: number;
}

/** From the first core to another. */
export type ToCore =
  | { readonly type: 'credentials'; readonly credentials: Credentials }
  | { readonly type: 'apply'; readonly resource: Resource }
  /** Begins to listen. */
  | { readonly type: 'listen'; readonly outbound: number; readonly inbound: number }
  | { readonly type: 'drain' }
  | { readonly type: 'metrics'; readonly id: number }
  | { readonly type: 'clusters'; readonly id: number }
  | { readonly type: 'logging'; readonly level?: string; readonly access?: string };

/** And back. */
export type FromCore =
  | { readonly type: 'want'; readonly key: string }
  | { readonly type: 'forget'; readonly key: string }
  | { readonly type: 'listening' }
  | { readonly type: 'figures'; readonly figures: CoreFigures }
  | { readonly type: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };
