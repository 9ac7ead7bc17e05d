import { type BlockSchema, bytes, type OptionSchema, oneOf, whole } from '../../../kdl/index.ts';

const memory: OptionSchema = {
  type: bytes,
  mark: 'ignored',
  why: 'the proxy keeps within the memory of its container by itself (docs/beginnings.md)',
};

/** `limits { … }` of the whole gateway. */
export const limits: BlockSchema = {
  options: {
    'max-header-size-bytes': { type: bytes, aliases: ['max-header-size'] },
    'max-header-count': { type: whole(1), why: 'holds: of each head; beyond it 431' },
    'max-header-name-bytes': {
      type: whole(1),
      why: 'holds at routes with an upstream or files; beyond it 431',
    },
    'max-header-value-bytes': {
      type: whole(1),
      why: 'holds at routes with an upstream or files; beyond it 431',
    },
    'max-body-size-bytes': { type: bytes, aliases: ['max-body-size'] },
    'max-connections-per-client': { type: whole(1) },
    'max-connections-per-route': {
      type: whole(1),
      why: 'holds for requests under way at each route; beyond it 503. Each core counts for itself',
    },
    'max-total-connections': { type: whole(1) },
    'max-idle-connections-per-upstream': {
      type: whole(0),
      why: 'holds, for each target, where its upstream has no connection-pool { max-idle }',
    },
    'max-in-flight-requests': {
      type: whole(1),
      why: 'holds for requests under way at all routes of its scope together; beyond it 503 with Retry-After. Each core counts for itself',
    },
    'max-queued-requests': {
      type: whole(0),
      why: 'holds for requests that wait for a connection to one upstream; beyond it 503',
    },
    'max-requests-per-second-global': {
      type: whole(1),
      why: 'holds, of all routes of its scope together; each core counts for itself',
    },
    'max-requests-per-second-per-client': { type: whole(1) },
    'max-requests-per-second-per-route': { type: whole(1) },
    'max-memory-bytes': memory,
    'max-memory-percent': { ...memory, type: whole(1, 100) },
  },
};

const key = { type: oneOf('client-ip', 'client_ip'), fallback: 'client-ip' } as const;

/** `rate-limits { … }`: what holds for every route. */
export const rateLimits: BlockSchema = {
  options: {
    'default-rps': { type: whole(1) },
    'default-burst': { type: whole(0), fallback: 10 },
    key,
    global: {
      block: {
        options: {
          'max-rps': { type: whole(1), required: true },
          burst: { type: whole(0), fallback: 10 },
          key,
        },
      },
    },
  },
};
