// The dialect as data: every block and option of Sentinel (also called Zentinel) with its type, its default and what becomes
// of it here. What Sentinel takes and Weft does not is here too, with the reason, so that nobody takes it for a typo.
import {
  type BlockSchema,
  flag,
  type OptionSchema,
  oneOf,
  seconds,
  text,
  whole,
} from '../../../kdl/index.ts';
import { filter } from './filter.ts';
import { id } from './id.ts';
import { limits, rateLimits } from './limits.ts';
import { listener } from './listener.ts';
import { observability } from './observability.ts';
import { route } from './route.ts';
import { upstream } from './upstream.ts';

const container = 'a container has one process in the foreground, whose user and folder the pod says';

const system: BlockSchema = {
  options: {
    'worker-threads': { type: whole(0, 64) },
    'max-connections': { type: whole(1) },
    'graceful-shutdown-timeout-secs': { type: seconds(), fallback: 30_000 },
    'trace-id-format': {
      type: oneOf('tinyflake', 'uuid'),
      mark: 'ignored',
      why: 'requests carry x-request-id, an UUID, and traceparent',
    },
    'auto-reload': { type: flag, fallback: false },
    'route-cache-size': {
      mark: 'ignored',
      why: 'routes are found by an index that needs no cache',
      type: whole(),
    },
    daemon: { type: flag, mark: 'ignored', why: container },
    'pid-file': { type: text, why: 'holds when the process starts' },
    user: { type: text, mark: 'ignored', why: container },
    group: { type: text, mark: 'ignored', why: container },
    'working-directory': { type: text, mark: 'ignored', why: container },
  },
};

function listOf(name: string, block: BlockSchema): OptionSchema {
  return { many: true, block: { options: { [name]: { many: true, block } } } };
}

const agents: OptionSchema = {
  mark: 'refused',
  why: 'agents are programs that Sentinel asks about each request by a protocol of its own; for authorization use an external authorizer (docs/authorization.md), for limits and headers the built-in filters',
};

/** What may stand in a file, and in a namespace of it. */
const things: Readonly<Record<string, OptionSchema>> = {
  listeners: listOf('listener', listener),
  routes: listOf('route', route),
  upstreams: listOf('upstream', upstream),
  filters: listOf('filter', filter),
  // Fragments of Sentinel's own pages have them at the top.
  listener: { many: true, block: listener },
  route: { many: true, block: route },
  upstream: { many: true, block: upstream },
  filter: { many: true, block: filter },
  agents,
  limits: { block: limits },
};

/** The one listener of a service, which needs no name. */
const ofService: BlockSchema = {
  ...listener,
  options: { ...listener.options, id: { type: id, fallback: 'service-listener' } },
};

const { listener: _alone, listeners: _many, ...inServices } = things;

const service: BlockSchema = {
  args: ['id'],
  options: { id: { type: id, required: true }, ...inServices, listener: { block: ofService } },
};

const namespace: BlockSchema = {
  args: ['id'],
  options: {
    id: { type: id, required: true },
    ...things,
    service: { many: true, block: service },
    exports: {
      block: {
        options: { upstreams: { type: text, many: true }, filters: { type: text, many: true }, agents },
      },
    },
  },
};

/** A whole file. */
export const root: BlockSchema = {
  options: {
    'schema-version': { type: text, aliases: ['version'] },
    system: { block: system, aliases: ['server'] },
    ...things,
    namespace: { many: true, block: namespace },
    waf: {
      variant: 'off',
      variants: {},
      mark: 'refused',
      why: 'there is no web application firewall here, nor does Sentinel run the one that it reads; take the block out',
    },
    cache: { mark: 'ignored', why: 'nothing is cached here; answers come from the upstream' },
    observability: { block: observability },
    'rate-limits': { block: rateLimits },
    include: { type: text, many: true },
  },
};
