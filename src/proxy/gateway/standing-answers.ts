// What a gateway answers where it has no route to ask: made once, in the form of destinations, so that requests for them are
// carried, counted and logged as all others.
import { DEFAULT_RETRY, type DestinationResource, NO_ROUTE, type Route } from '../../model/index.ts';
import { RunningDestination } from '../destinations/destination.ts';

/** Destinations that only answer. */
export interface StandingAnswers {
  /** No listener, or no route of it, is for the host. */
  readonly notFound: RunningDestination;
  /** The host belongs to another listener than the one whose TLS the connection has (RFC 9110 section 15.5.20). */
  readonly misdirected: RunningDestination;
}

/** `nowMs` monotonic. */
export function standingAnswers(nowMs: number): StandingAnswers {
  return {
    notFound: standingAnswer(NO_ROUTE, 404, '', nowMs),
    misdirected: standingAnswer(
      'misdirected',
      421,
      'weft: this connection is for another host; clients make a connection of its own for this one\n',
      nowMs,
    ),
  };
}

/** A destination that only answers. `nowMs` monotonic. */
export function standingAnswer(
  name: string,
  status: number,
  body: string,
  nowMs: number,
): RunningDestination {
  const route: Route = {
    name,
    action: { kind: 'respond', status, body, contentType: body === '' ? '' : 'text/plain; charset=utf-8' },
    timeoutMs: 0,
    idleTimeoutMs: 0,
    retry: DEFAULT_RETRY,
  };
  const resource: DestinationResource = {
    ...{ kind: 'destination', key: name, found: 'unknown', host: '', port: 0, protocol: 'http' },
    ...{ routes: [route], tcp: [], clusters: [] },
  };
  const cluster = (of: string): never => {
    throw new Error(`there is no cluster ${of}`);
  };
  return new RunningDestination(resource, { cluster, random: Math.random, nowMs });
}
