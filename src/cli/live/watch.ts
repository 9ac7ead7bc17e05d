// What tap and top have in common: requests of all replicas, joined, and what is to be said beside them.

import type { LiveLine } from '../../live/api/index.ts';
import type { TapItem } from '../../live/tap/index.ts';
import { systemClock } from '../../time/index.ts';
import { plainText } from '../table.ts';
import { openLiveApi } from './connect.ts';
import { HopJoiner, type TappedRequest } from './join.ts';
import { followLines } from './lines.ts';
import { type TapFlags, tapPath } from './tap-flags.ts';

/** What there is to know beside the requests. */
export interface TapState {
  /** Proxies that are asked, by replica of the control plane. */
  readonly replicas: ReadonlyMap<string, number>;
  /** Requests that were left out so far. */
  readonly left: number;
}

/**
 * Taps until `signal` aborts, --for is over, or nobody is left to say anything. `say` gets words for people: what could not be
 * asked, what was left out.
 */
export async function watchRequests(
  target: string | undefined,
  flags: TapFlags & { readonly show?: readonly string[] },
  request: (request: TappedRequest, state: TapState) => void,
  say: (words: string) => void,
  signal: AbortSignal,
): Promise<TapState> {
  const stop = flags.for === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(flags.for)]);
  const replicas = new Map<string, number>();
  const state = { replicas, left: 0 };
  const joiner = new HopJoiner(systemClock, joined => request(joined, state));
  let told = 0;
  const tellLeft = (): void => {
    if (state.left === told) return;
    say(
      `${state.left - told} more were left out: beyond ${flags.maxRps} a second of a proxy (--max-rps), or faster than they could be read`,
    );
    told = state.left;
  };
  const cancel = systemClock.every(2_000, tellLeft);
  const line = (read: LiveLine): void => {
    switch (read.type) {
      case 'begin':
        replicas.set(read.replica, read.proxies);
        say(
          `${read.proxies} ${read.proxies === 1 ? 'proxy' : 'proxies'} connected to ${read.replica} ${read.proxies === 1 ? 'is' : 'are'} asked`,
        );
        return;
      case 'said':
        state.left += read.left ?? 0;
        for (const item of read.items) joiner.add(item as TapItem);
        return;
      case 'left':
        state.left += read.count;
        return;
      case 'failed':
        say(plainText(`${read.pod ?? `control plane ${read.replica}`}: ${read.why}`));
        return;
      default:
    }
  };
  try {
    const api = await openLiveApi(flags);
    const path = tapPath(target, flags, flags.show);
    await followLines(api, path, line, why => say(`asking anew: ${plainText(why)}`), stop);
  } finally {
    cancel();
    joiner.flush();
    tellLeft();
  }
  return state;
}

/** Aborts at Ctrl-C, and when whoever reads has seen enough. */
export function untilInterrupted(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  return stop.signal;
}
