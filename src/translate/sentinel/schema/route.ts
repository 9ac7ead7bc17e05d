import {
  type BlockSchema,
  bytes,
  duration,
  flag,
  number,
  type OptionSchema,
  oneOf,
  seconds,
  shaped,
  text,
  type ValueType,
  whole,
} from '../../../kdl/index.ts';
import { errorPages } from './error-pages.ts';
import { id } from './id.ts';
import { circuitBreaker } from './upstream.ts';

/** Names of priorities. */
export const PRIORITIES: Readonly<Record<string, number>> = {
  low: 10,
  normal: 50,
  high: 100,
  critical: 1_000,
};

const priority: ValueType = {
  words: 'low, normal, high, critical or a whole number',
  read: value => {
    if (typeof value === 'string') return PRIORITIES[value];
    return Number.isSafeInteger(value) ? (value as number) : undefined;
  },
};

const named: OptionSchema = {
  many: true,
  block: {
    args: ['name', 'value'],
    options: { name: { type: text, required: true }, value: { type: text } },
  },
};

/** Requests that a route is for: of one kind any, of different kinds all. */
const matches: BlockSchema = {
  options: {
    path: { type: text, many: true },
    'path-prefix': { type: text, many: true },
    'path-regex': { type: text, many: true },
    host: { type: text, many: true },
    header: named,
    method: { type: text, many: true },
    'query-param': named,
  },
};

/** Edits of fields. */
export const headerEdits: BlockSchema = {
  options: {
    rename: { block: { options: {}, free: text } },
    set: { block: { options: {}, free: text } },
    add: { block: { options: {}, free: text } },
    remove: { type: text, many: true },
  },
};

const buffering = {
  type: flag,
  mark: 'ignored',
  why: 'bodies go through as they come, with back-pressure; nothing is gained by holding them',
} as const;
const caching = { mark: 'ignored', why: 'nothing is cached here; answers come from the upstream' } as const;

const policies: BlockSchema = {
  options: {
    'request-headers': { block: headerEdits },
    'response-headers': { block: headerEdits },
    'timeout-secs': { type: seconds() },
    'max-body-size': { type: bytes },
    'failure-mode': {
      type: oneOf('closed', 'open'),
      mark: 'ignored',
      why: 'it says what becomes of requests whose agent does not answer, and there are no agents here',
    },
    'rate-limit': {
      block: {
        options: {
          'requests-per-second': { type: whole(1), required: true },
          burst: { type: whole(0), fallback: 10 },
          key: { type: oneOf('client_ip', 'client-ip', 'route'), fallback: 'client_ip' },
        },
      },
    },
    'buffer-requests': buffering,
    'buffer-responses': buffering,
    cache: caching,
  },
};

const retryPolicy: BlockSchema = {
  options: {
    'max-attempts': { type: whole(1, 100), fallback: 3 },
    'retryable-status-codes': { type: whole(400, 599), many: true },
    backoff: { type: duration, fallback: 100 },
    'max-backoff': { type: duration, fallback: 2_000 },
    'per-attempt-timeout': { type: duration },
    'retry-non-idempotent': { type: flag, fallback: false },
  },
};

const shadow: BlockSchema = {
  options: {
    upstream: { type: text, required: true },
    percentage: { type: number(0, 100), fallback: 100 },
    'sample-header': {
      block: {
        args: ['name', 'value'],
        options: { name: { type: text, required: true }, value: { type: text, required: true } },
      },
    },
    'timeout-ms': { type: duration, fallback: 5_000 },
    'buffer-body': {
      type: flag,
      fallback: false,
      why: 'holds: the copy goes out once all of the body has come. Otherwise as it comes, and a copy that lags behind by 256 KiB is given up',
    },
    'max-body-bytes': {
      type: bytes,
      fallback: 1_048_576,
      why: 'holds: of a request with a longer body there is no copy',
    },
  },
};

/** Files of a folder as answers. */
const staticFiles: BlockSchema = {
  options: {
    root: { type: text, required: true },
    index: { type: shaped('a name without slashes', /^[^/\\\0]+$/), fallback: 'index.html' },
    'directory-listing': { type: flag, fallback: false },
    'cache-control': { type: text, fallback: 'public, max-age=3600' },
    compress: { type: flag, fallback: true },
    fallback: { type: text },
    'mime-types': { block: { options: {}, free: text } },
  },
};

/** `route "id" { … }` */
export const route: BlockSchema = {
  args: ['id'],
  options: {
    id: { type: id, required: true },
    priority: { type: priority, fallback: PRIORITIES.normal! },
    matches: { block: matches, aliases: ['match'] },
    upstream: { type: text },
    'service-type': { type: oneOf('web', 'api', 'builtin', 'static', 'inference') },
    'builtin-handler': {
      type: oneOf('health', 'status', 'metrics', 'not-found', 'config', 'upstreams'),
      aliases: ['builtin'],
    },
    filters: { type: text, many: true },
    websocket: { type: flag, fallback: false },
    'websocket-inspection': {
      type: flag,
      mark: 'ignored',
      why: 'what goes through a WebSocket is not looked at',
    },
    'waf-enabled': { type: flag, fallback: false },
    policies: { block: policies },
    'retry-policy': { block: retryPolicy },
    'circuit-breaker': {
      block: circuitBreaker,
      why: 'holds for the upstream of the route, and so for all of its routes (a warning says so); what the upstream says itself goes before it',
    },
    shadow: { block: shadow },
    'error-pages': { block: errorPages },
    'static-files': { block: staticFiles },
    'api-schema': { mark: 'refused', why: 'bodies are not held against schemas' },
    inference: { mark: 'refused', why: 'models are upstreams like others here' },
    fallback: { mark: 'refused', why: 'say a second route, or more targets' },
    cache: caching,
  },
};
