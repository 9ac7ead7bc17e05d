import type { Question } from '../../discovery/index.ts';
import type { Live } from '../index.ts';
import type { Right } from './access.interface.ts';
import type { LineStream } from './line-stream.ts';
import { askPeer, type Peer, type PeerCredentials } from './peers.ts';
import type { LiveRequest, LiveRoute } from './server.ts';

/** A line of an answer, as JSON. */
export type LiveLine =
  /** A replica of the control plane begins to answer; so many proxies that are meant are connected to it. */
  | { readonly type: 'begin'; readonly replica: string; readonly proxies: number }
  /** A proxy says something; `left` items were left out before, by the proxy. */
  | {
      readonly type: 'said';
      readonly pod: string;
      readonly items: readonly unknown[];
      readonly left?: number;
    }
  /** A proxy, or a replica, does not answer or no longer. */
  | { readonly type: 'failed'; readonly pod?: string; readonly replica?: string; readonly why: string }
  /** So many items were left out because the asker reads too slowly. */
  | { readonly type: 'left'; readonly count: number }
  /** The connection is alive. */
  | { readonly type: 'alive' }
  /** Everything was said. */
  | { readonly type: 'over' };

/** What questions of people need of the control plane. */
export interface LivePlace {
  readonly live: Live;
  /** Its name among replicas. */
  readonly replica: string;
  /** Which pods a query means (`namespace`, `target`), or why that cannot be said. */
  readonly chosen: (query: URLSearchParams) => ((pod: string) => boolean) | string;
  /** The other replicas, to which other proxies are connected, and how to ask them; undefined where there can be none. */
  readonly peers?: () =>
    | { readonly peers: readonly Peer[]; readonly credentials: PeerCredentials }
    | undefined;
}

/** A kind of question as people ask it. */
export interface AskKind {
  readonly path: string;
  readonly needs: Right;
  /** See LiveQuestion. */
  readonly follow: boolean;
  /** The question that a query means, or what is wrong with it. */
  readonly question: (query: URLSearchParams) => Question | string;
  /** The item of a proxy with what only the control plane knows; undefined leaves it out. As it is unless told. */
  readonly named?: (pod: string, item: unknown) => unknown;
}

/** A route that asks all proxies that are meant, on all replicas, and answers with LiveLines. */
export function askRoute(
  { path, needs, follow, question: read, named }: AskKind,
  place: LivePlace,
): LiveRoute {
  return {
    path,
    needs,
    handle(request, answer) {
      const question = read(request.query);
      const chosen = place.chosen(request.query);
      for (const fault of [question, chosen])
        if (typeof fault === 'string') return answer.send(400, { error: fault, code: 'live-question' });
      if (typeof question === 'string' || typeof chosen === 'string') return;
      const { live, replica } = place;
      // What it throws becomes the answer; afterwards the answer has begun.
      live.check(question);
      const lines = answer.lines();
      const peers = request.fromPeer ? undefined : place.peers?.();
      let open = 1 + (peers?.peers.length ?? 0);
      const over = (): void => {
        if (--open > 0) return;
        lines.write({ type: 'over' });
        lines.end();
      };
      lines.write({ type: 'begin', replica, proxies: live.count(chosen) });
      const listener = {
        asked() {},
        said(pod: string, said: readonly unknown[], left: number) {
          const items = named ? said.flatMap(each => named(pod, each) ?? []) : said;
          lines.write({ type: 'said', pod, items, ...(left > 0 && { left }) }, items.length + left);
        },
        failed: (pod: string, why: string) => lines.write({ type: 'failed', pod, why }),
        over,
      };
      live.ask({ question, chosen, follow }, listener, request.signal);
      for (const peer of peers?.peers ?? []) relay(peer, peers!.credentials, request, lines, over);
    },
  };
}

/** Hands on what another replica answers. */
function relay(
  peer: Peer,
  credentials: PeerCredentials,
  { path, query, signal }: LiveRequest,
  lines: LineStream,
  over: () => void,
): void {
  const line = (text: string): void => {
    const read = JSON.parse(text) as LiveLine;
    if (read.type === 'over' || read.type === 'alive') return;
    lines.write(read, read.type === 'said' ? read.items.length : 1);
  };
  const ended = (why?: string): void => {
    if (why !== undefined) lines.write({ type: 'failed', replica: peer.name, why });
    over();
  };
  askPeer(peer, `${path}?${query}`, credentials, line, ended, signal);
}
