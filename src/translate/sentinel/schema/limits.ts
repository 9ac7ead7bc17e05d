import { type BlockSchema, bytes, type OptionSchema, oneOf, whole } from '../../../kdl/index.ts';

const memory: OptionSchema = {
  type: bytes,
  mark: 'ignored',
  why: 'the proxy keeps within the memory of its container by itself (docs/beginnings.md)',
};
const counts = (why: string): OptionSchema => ({ type: whole(1), mark: 'ignored', why });
const perField = counts('fields are bounded together, by max-header-size-bytes');

/** `limits { … }` of the whole gateway. */
export const limits: BlockSchema = {
  options: {
    'max-header-size-bytes': { type: bytes, aliases: ['max-header-size'] },
    'max-header-count': perField,
    'max-header-name-bytes': perField,
    'max-header-value-bytes': perField,
    'max-body-size-bytes': { type: bytes, aliases: ['max-body-size'] },
    'max-connections-per-client': { type: whole(1) },
    'max-connections-per-route': counts('connections are bounded by listener and by upstream'),
    'max-total-connections': { type: whole(1) },
    'max-idle-connections-per-upstream': counts(
      'idle connections are closed by connection-pool { idle-timeout-secs }',
    ),
    'max-in-flight-requests': counts('requests under way are bounded for each upstream'),
    'max-queued-requests': counts('requests that wait are bounded for each upstream'),
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
