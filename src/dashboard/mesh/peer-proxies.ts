// The proxies of other replicas: each is connected to one replica, which alone knows how it stands.
import { isRecord } from '../../plain/index.ts';
import type { Clock } from '../../time/index.ts';
import type { PageProxy } from '../contract.ts';

/** How old a replica's word may be before it is asked anew, while somebody looks. */
const askEveryMs = 5_000;
/** Rows that are told of a replica; it says how many there are. */
export const MAX_PROXIES = 2_000;
const rowsOfLine = 200;

/** A line of a replica's answer. */
export type ProxiesLine =
  | { readonly type: 'proxies'; readonly proxies: readonly PageProxy[] }
  | { readonly type: 'count'; readonly count: number };

/** Its answer: rows, and how many there are. */
export function proxiesLines(proxies: readonly PageProxy[]): readonly ProxiesLine[] {
  const told = proxies.slice(0, MAX_PROXIES);
  const lines: ProxiesLine[] = [{ type: 'count', count: proxies.length }];
  for (let from = 0; from < told.length; from += rowsOfLine)
    lines.push({ type: 'proxies', proxies: told.slice(from, from + rowsOfLine) });
  return lines;
}

/** Asks a replica once: each line of its answer, and its end, with the reason where it did not answer to it. */
export type AskProxies = (line: (text: string) => void, over: (why?: string) => void) => void;

/** What a replica said last. */
interface Said {
  readonly proxies: readonly PageProxy[];
  readonly count: number;
}

/** Rows of other replicas' proxies, as they said last. Asks nobody unless it is asked. */
export class PeerProxies {
  readonly #peers: () => ReadonlyMap<string, AskProxies>;
  readonly #clock: Clock;
  readonly #said = new Map<string, Said>();
  readonly #askedMs = new Map<string, number>();

  constructor(peers: () => ReadonlyMap<string, AskProxies>, clock: Clock) {
    this.#peers = peers;
    this.#clock = clock;
  }

  /** What is known now; replicas that have not been asked for a while are asked, for the next time. */
  get all(): Said {
    const peers = this.#peers();
    const nowMs = this.#clock.monotonic();
    for (const name of [...this.#said.keys(), ...this.#askedMs.keys()]) {
      if (peers.has(name)) continue;
      this.#said.delete(name);
      this.#askedMs.delete(name);
    }
    for (const [name, ask] of peers) {
      if (nowMs - (this.#askedMs.get(name) ?? Number.NEGATIVE_INFINITY) < askEveryMs) continue;
      this.#askedMs.set(name, nowMs);
      this.#ask(name, ask);
    }
    const said = [...this.#said.values()];
    return {
      proxies: said.flatMap(({ proxies }) => proxies),
      count: said.reduce((sum, { count }) => sum + count, 0),
    };
  }

  #ask(name: string, ask: AskProxies): void {
    const proxies: PageProxy[] = [];
    let count = 0;
    ask(
      text => {
        const line: unknown = JSON.parse(text);
        if (!isRecord(line)) return;
        if (line.type === 'count') count = Number(line.count) || 0;
        if (line.type !== 'proxies' || !Array.isArray(line.proxies)) return;
        proxies.push(...line.proxies.flatMap(each => readProxy(each, name) ?? []).slice(0, MAX_PROXIES));
      },
      why => {
        // One that did not answer is an older version, or is going: what it said before is no longer so.
        if (why === undefined) this.#said.set(name, { proxies, count: Math.max(count, proxies.length) });
        else this.#said.delete(name);
      },
    );
  }
}

/** Replicas may be of another version for a while. */
function readProxy(said: unknown, replica: string): PageProxy | undefined {
  if (!isRecord(said) || typeof said.pod !== 'string') return undefined;
  const { pod, version, principal, connectedAtMs, destinations, outstanding, refused } = said;
  return {
    ...{ pod, replica, version: String(version ?? ''), principal: String(principal ?? '') },
    ...{ connectedAtMs: Number(connectedAtMs) || 0, destinations: Number(destinations) || 0 },
    outstanding: Number(outstanding) || 0,
    refused: Array.isArray(refused) ? refused.map(String) : [],
  };
}
