import type { TLSSocket } from 'node:tls';

/** How another replica is looked for. */
export interface Search {
  /** Attempts of one search; so many of them begin in a hurry, the others each after twice as long as the one before. */
  readonly attempts: number;
  readonly hurried: number;
  readonly apartMs: number;
  /** Whether an attempt that fails, with no other under way, leads to the next at once; else the search fails with it. */
  readonly insists: boolean;
}

/**
 * Beside a connection that has fallen silent. Where one of two replicas hangs, the first six all meet it in one case of
 * sixty-four.
 */
export const BESIDE_A_SILENT_ONE: Search = { attempts: 10, hurried: 6, apartMs: 300, insists: true };

/**
 * Without a connection, which may be because the replica that the Service chose hangs, or because thousands come at once: a
 * second and two more are tried. What is refused is left to whoever waits between such attempts.
 */
export const AT_FIRST: Search = { attempts: 4, hurried: 2, apartMs: 600, insists: false };

/** So many are under way at once: the oldest makes room. */
const atOnce = 4;

/**
 * A replica may hang: its kernel takes connections that it never answers, and the Service in front does not know. So attempts
 * begin beside each other. The first that succeeds counts, and the others are given up. Rejects with the error of the last.
 */
export function firstThatAnswers(
  connect: (signal: AbortSignal) => Promise<TLSSocket>,
  { attempts, hurried, apartMs, insists }: Search,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const under = new Set<AbortController>();
    let timer: NodeJS.Timeout | undefined;
    let [begun, over] = [0, false];
    const end = (): void => {
      over = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      for (const each of under) each.abort();
    };
    const abort = (): void => {
      end();
      reject(new Error('given up'));
    };
    const failed = (own: AbortController, error: unknown): void => {
      under.delete(own);
      if (over || own.signal.aborted || under.size > 0) return;
      if (insists && begun < attempts) begin();
      else {
        end();
        reject(error);
      }
    };
    const begin = (): void => {
      clearTimeout(timer);
      const [oldest] = under;
      if (under.size === atOnce) oldest!.abort();
      const own = new AbortController();
      under.add(own);
      const waitMs = apartMs * 2 ** Math.max(0, ++begun - hurried);
      if (begun < attempts) timer = setTimeout(begin, waitMs).unref();
      connect(own.signal).then(
        socket => {
          if (over) {
            socket.destroy();
            return;
          }
          under.delete(own);
          end();
          resolve(socket);
        },
        (error: unknown) => failed(own, error),
      );
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    begin();
  });
}
