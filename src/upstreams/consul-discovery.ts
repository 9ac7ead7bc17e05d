// Instances of a service in Consul's catalog, by blocking queries
// (https://developer.hashicorp.com/consul/api-docs/features/blocking): a question waits at the server until there is something
// new.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { errorMessage, guarded } from '../errors/index.ts';
import { type ConsulDiscovery, isIpAddress } from '../model/index.ts';
import { fieldAt, recordsOf } from '../plain/index.ts';
import { Backoff, type Clock } from '../time/index.ts';
import type { Discover, FoundEndpoint } from './found.ts';
import type { NameLookup } from './names.ts';

/** How long a question may wait at the server; it adds up to a sixteenth of that. */
const WAIT_SECONDS = 300;
const ANSWER_MS = WAIT_SECONDS * 1_000 * (1 + 1 / 16) + 10_000;
/** Between two questions at least, so that a service which changes all the time costs no more than this. */
const LEAST_MS = 100;

/** Follows the service until the signal aborts; what was found stays while Consul is away. */
export function discoverConsul(lookup: NameLookup, clock: Clock, settings: ConsulDiscovery): Discover {
  return (listener, signal) => {
    const backoff = new Backoff({ firstMs: 250, longestMs: Math.max(1_000, settings.refreshMs) });
    let index = 0;
    const turn = (): void => {
      if (signal.aborted) return;
      void answered(settings, index, lookup, signal).then(
        answer => {
          if (signal.aborted) return;
          backoff.reset();
          // An index that goes back is that of another server or a restored one: begin anew. Below 1 it would not wait.
          index = answer.index < index ? 0 : Math.max(1, answer.index);
          listener.found(answer.found);
          clock.after(LEAST_MS, turn);
        },
        guarded('upstreams.consul', (error: unknown) => {
          if (signal.aborted) return;
          index = 0;
          listener.failed(
            `service ${settings.service} cannot be asked of Consul at ${settings.address}: ${errorMessage(error)}`,
          );
          clock.after(backoff.next(), turn);
        }),
      );
    };
    turn();
  };
}

/** What is asked; exported for tests. */
export function consulUrl(
  { address, service, datacenter, onlyPassing, tag }: ConsulDiscovery,
  index: number,
): URL {
  const url = new URL(`/v1/health/service/${encodeURIComponent(service)}`, address);
  if (datacenter !== undefined) url.searchParams.set('dc', datacenter);
  if (tag !== undefined) url.searchParams.set('tag', tag);
  if (onlyPassing) url.searchParams.set('passing', '1');
  if (index > 0) {
    url.searchParams.set('index', String(index));
    url.searchParams.set('wait', `${WAIT_SECONDS}s`);
  }
  return url;
}

async function answered(
  settings: ConsulDiscovery,
  index: number,
  lookup: NameLookup,
  signal: AbortSignal,
): Promise<{ readonly index: number; readonly found: readonly FoundEndpoint[] }> {
  const answer = await ask(settings, index, signal);
  return { index: answer.index, found: await resolved(answer.body, lookup) };
}

async function ask(
  settings: ConsulDiscovery,
  index: number,
  signal: AbortSignal,
): Promise<{ readonly index: number; readonly body: unknown }> {
  const { caFile, token, tokenFile } = settings;
  // Read each time: tokens and authorities are renewed.
  const secret = tokenFile === undefined ? token : readFileSync(tokenFile, 'utf8').trim();
  const dispatcher = new Agent({
    headersTimeout: ANSWER_MS,
    bodyTimeout: 30_000,
    connect: { timeout: 5_000, ...(caFile !== undefined && { ca: readFileSync(caFile, 'utf8') }) },
  });
  try {
    const { statusCode, headers, body } = await request(consulUrl(settings, index), {
      dispatcher,
      signal,
      ...(secret !== undefined && { headers: { 'x-consul-token': secret } }),
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`answered ${statusCode} ${text.trim().slice(0, 200)}`);
    return { index: Number(headers['x-consul-index'] ?? 0) || 0, body: JSON.parse(text) };
  } finally {
    void dispatcher.destroy();
  }
}

/** Endpoints of an answer. A service's own address counts, otherwise its node's; names are looked up. */
async function resolved(body: unknown, lookup: NameLookup): Promise<readonly FoundEndpoint[]> {
  if (!Array.isArray(body)) throw new Error('the answer is no list');
  const entries = recordsOf(body).map(async (entry): Promise<readonly FoundEndpoint[]> => {
    const host = fieldAt(entry, 'Service', 'Address') || fieldAt(entry, 'Node', 'Address');
    const port = fieldAt(entry, 'Service', 'Port');
    if (typeof host !== 'string' || host === '' || typeof port !== 'number' || port < 1 || port > 65_535)
      return [];
    const weight = weightOf(entry);
    if (isIpAddress(host)) return [{ address: host, port, weight }];
    const looked = await lookup.addresses(host);
    if (looked.kind === 'failed') throw new Error(`${host} cannot be looked up: ${looked.why}`);
    return looked.kind === 'none' ? [] : looked.addresses.map(address => ({ address, port, weight }));
  });
  return (await Promise.all(entries)).flat();
}

/** Consul's weights are for two states; instances that only warn have their own. */
function weightOf(entry: Readonly<Record<string, unknown>>): number {
  const statuses = recordsOf(entry.Checks).map(each => each.Status);
  const state = statuses.some(each => each !== 'passing') ? 'Warning' : 'Passing';
  const weight = fieldAt(entry, 'Service', 'Weights', state);
  return typeof weight === 'number' && weight >= 1 ? Math.min(weight, 1_000) : 1;
}
