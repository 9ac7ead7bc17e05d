import { PATHS } from '../config/names.ts';
import type { Clock } from '../time/index.ts';
import { type AdminRoutes, text } from './http-server.ts';
import type { AdminHost } from './routes.ts';

const lookEveryMs = 100;
/** Nothing must have come in for this long: by then others have heard that the pod is going. */
const quietMs = 1_000;
/** However long the caller is ready to wait. */
const longestSeconds = 60;

/**
 * The preStop hook that injection gives apps: answered once no request has come in for a second, at the latest after `?seconds=`,
 * and at once where none ever came. It only waits, and changes nothing, because anybody may ask.
 */
export function preStopRoutes(host: AdminHost, clock: Clock): AdminRoutes {
  return {
    [`GET ${PATHS.drained}`]: ({ query }) => {
      const limitMs = Math.min(Number(query.get('seconds')) || 10, longestSeconds) * 1_000;
      return quiet(host, clock, limitMs).then(words => text(`${words}\n`));
    },
  };
}

function quiet(host: AdminHost, clock: Clock, limitMs: number): Promise<string> {
  const startMs = clock.monotonic();
  let before = look(host);
  // What other cores have handled is not known here.
  const isAlone = host.cores === undefined;
  if (isAlone && before.handled === 0 && before.open === 0) return Promise.resolve('nothing ever came in');
  let sinceMs = startMs;
  return new Promise(resolve => {
    const stop = clock.every(lookEveryMs, () => {
      const nowMs = clock.monotonic();
      const now = look(host);
      const moved = now.handled !== before.handled || now.open > before.open;
      if (moved || (now.open > 0 && now.underWay > 0)) sinceMs = nowMs;
      before = now;
      const done = nowMs - sinceMs >= quietMs;
      if (!done && nowMs - startMs < limitMs) return;
      stop();
      resolve(done ? 'nothing comes in any more' : 'requests still come in; the wait is over');
    });
  });
}

/** Requests that came in here and are over, connections from others, and exchanges either way but tunnels. */
function look(host: AdminHost): { handled: number; open: number; underWay: number } {
  const { inbound, exchanges, tunnels } = host.underWay();
  let handled = 0;
  for (const { labels, requests } of host.plane.services.requests.values())
    if (labels.includes('reporter="destination"')) handled += requests;
  return {
    handled,
    open: inbound,
    // A tunnel, as a WebSocket is, ends when the app ends it: there is nothing to wait for.
    underWay: exchanges - tunnels,
  };
}
