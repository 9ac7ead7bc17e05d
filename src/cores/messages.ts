import type { AskMessage } from '../discovery/index.ts';
import type { Credentials } from '../identity/index.ts';
import type { RecordQuery, Resource } from '../model/index.ts';
import type { UnderWay } from '../proxy/index.ts';

/** What the admin pages show of each core. */
export type CoreView = 'clusters' | 'inbound' | 'config' | 'listeners';

/** From the first core to another. */
export type ToCore =
  | { readonly type: 'credentials'; readonly credentials: Credentials }
  | { readonly type: 'apply'; readonly resource: Resource }
  /** Begins to listen. */
  | { readonly type: 'listen'; readonly outbound: number; readonly inbound: number }
  | { readonly type: 'drain' }
  /** Listeners accept, or another process does in their place. */
  | { readonly type: 'accept'; readonly on: boolean }
  /** Sockets that another process had accept from now on. */
  | { readonly type: 'take-over' }
  /** Connections of clients without a request, or all, are closed. */
  | { readonly type: 'close'; readonly all: boolean }
  | { readonly type: 'serve'; readonly names: readonly string[] }
  | { readonly type: 'metrics'; readonly id: number }
  /** The process ends when it has answered: what waits for a collector or a file goes now. */
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'view'; readonly id: number; readonly view: CoreView }
  | { readonly type: 'requests'; readonly id: number; readonly query: RecordQuery }
  | AskMessage
  | { readonly type: 'unask'; readonly id: number }
  | { readonly type: 'unask-all' }
  | { readonly type: 'logging'; readonly level?: string; readonly access?: string };

/** And back. */
export type FromCore =
  | { readonly type: 'want'; readonly key: string }
  | { readonly type: 'forget'; readonly key: string }
  | { readonly type: 'listening' }
  | { readonly type: 'under-way'; readonly underWay: UnderWay }
  | { readonly type: 'said'; readonly id: number; readonly items: readonly string[]; readonly left: number }
  | { readonly type: 'done'; readonly id: number; readonly error?: string }
  | { readonly type: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };
