// What a gateway adds to the filters of routes. Sidecars have none of it, and do not load it: src/proxy/edge/ is given to a data
// plane by whoever makes it one of an edge.
import type { Field } from '../../http/index.ts';
import type { EdgePolicy, Route } from '../../model/index.ts';
import type { FilterKind, RequestFilter } from './filter.interface.ts';

/** The places of an edge's filters in the list of a route's, by name. */
export type EdgePlace =
  | 'field-sizes'
  | 'body-size'
  | 'edge-answers'
  | 'https'
  | 'client-certificates'
  | 'client-limits'
  | 'edge-access';

/** Makes filters of what an edge asks of its clients. */
export interface EdgeFilters {
  /** Undefined where the policy asks for nothing at that place. Throws a WeftError for what cannot be carried out. */
  compile(place: EdgePlace, policy: EdgePolicy, route: Route): RequestFilter | undefined;
}

/** What makes them, once for each data plane. */
export type MakeEdgeFilters = (services: EdgeServices) => EdgeFilters;

/** What they need. */
export interface EdgeServices {
  /** Sends a question of their own through the mesh; `onAnswer` is called once, after this has returned. */
  readonly ask: (question: EdgeQuestion, onAnswer: OnEdgeAnswer) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
  /** Calls `run` once after so many milliseconds, unless what it returns is called before. */
  readonly after: (delayMs: number, run: () => void) => () => void;
  /** Counts whose counts have judged a request: `shared`, or `local` where those of all replicas could not be asked. */
  readonly limited: (outcome: 'shared' | 'local') => void;
}

/** The line of a list of filters for one place. */
export function edgeFilter(
  name: EdgePlace,
): FilterKind<{ readonly route: Route; readonly edge: EdgeFilters | undefined }> {
  return {
    name,
    compile: ({ route, edge }) =>
      route.edge === undefined ? undefined : edge?.compile(name, route.edge, route),
  };
}

/** A request of a gateway's own; see CallRequest of proxy/calls/. */
export interface EdgeQuestion {
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly target: string;
  /** Each character a byte, `host` among them. */
  readonly fields: readonly Field[];
  /** For all of it, milliseconds. */
  readonly timeoutMs: number;
  /** Of the answer's body; a longer one is a failure. */
  readonly maxBytes: number;
}

/** A complete answer. Names are in lower case, each character is a byte. */
export interface EdgeAnswer {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly body: Buffer;
}

/** Told the answer, or why there is none, lowercase. */
export type OnEdgeAnswer = (answer: EdgeAnswer | string) => void;
