// Apps that do not pass on the trace context of their requests: their proxies say so, and here it is said of what is described.
import type { DroppedCalls, ProxyState } from '../proxy-status/proxy-state.ts';
import { plainText } from '../table.ts';

/** What an app does not pass the context of its requests on to, as the proxies of its pods say. */
export interface DroppedContext extends DroppedCalls {
  /** Pods whose proxies say so. */
  readonly pods: number;
}

/** Those of several pods, the most calls first. */
export function droppedContexts(proxies: readonly ProxyState[]): readonly DroppedContext[] {
  const found = new Map<string, DroppedContext>();
  for (const { droppedContext = [] } of proxies)
    for (const { destination, calls } of droppedContext) {
      const before = found.get(destination);
      found.set(destination, {
        destination,
        calls: (before?.calls ?? 0) + calls,
        pods: (before?.pods ?? 0) + 1,
      });
    }
  return [...found.values()].sort((a, b) => b.calls - a.calls);
}

/** A line for each, and what to do about them. `whose`: `its app`. */
export function droppedLines(all: readonly DroppedCalls[], whose: string, sign: string): readonly string[] {
  if (all.length === 0) return [];
  const remedy = 'have it pass on traceparent (or b3) from each request to the calls that it makes for it';
  return [
    ...all.map(({ destination, calls }) =>
      plainText(
        `${sign} ${whose} drops trace contexts: ${calls} of its calls to ${destination} carried none, while requests with one were under way`,
      ),
    ),
    `    next: ${remedy}; docs/tracing.md`,
  ];
}
