import { type BlockSchema, flag, number, oneOf, seconds, shaped, text, whole } from '../../../kdl/index.ts';
import { id } from './id.ts';
import { headerEdits } from './route.ts';

const rewrites = {
  'replace-full-path': { type: text },
  'replace-prefix-match': { type: text },
  hostname: { type: text },
} as const;

const ofLog = {
  mark: 'ignored',
  why: 'what is logged is said once for all routes: observability { logging { access-log { … } } }',
} as const;

/** Options by type of filter. */
const types: Readonly<Record<string, BlockSchema>> = {
  'rate-limit': {
    options: {
      'max-rps': { type: whole(1), fallback: 100 },
      burst: { type: whole(0), fallback: 10 },
      key: {
        type: shaped(
          'client-ip, path, route, client-ip-and-path or header:NAME',
          /^(client[-_]ip|path|route|client[-_]ip[-_]and[-_]path|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+)$/,
        ),
        fallback: 'client-ip',
      },
      'on-limit': { type: oneOf('reject', 'delay', 'log-only'), fallback: 'reject' },
      'status-code': { type: whole(400, 599), fallback: 429 },
      message: {
        type: text,
        aliases: ['limit-message'],
        why: 'holds; without it the answer says which limit it was',
      },
      'max-delay-ms': {
        type: whole(1),
        fallback: 5_000,
        why: 'holds for on-limit "delay": who would have to wait longer is refused',
      },
      'max-keys': {
        type: whole(1),
        fallback: 100_000,
        why: 'holds: of more clients the one is forgotten that was longest idle. Each core counts for itself',
      },
      backend: { type: oneOf('local'), fallback: 'local' },
    },
  },
  headers: {
    options: {
      ...headerEdits.options,
      phase: { type: oneOf('request', 'response', 'both'), fallback: 'request' },
    },
  },
  cors: {
    options: {
      'allowed-origins': { type: text, many: true },
      'allowed-methods': { type: text, many: true },
      'allowed-headers': { type: text, many: true },
      'exposed-headers': { type: text, many: true },
      'allow-credentials': { type: flag, fallback: false },
      'max-age-secs': { type: seconds(), fallback: 86_400_000 },
    },
  },
  compress: {
    options: {
      algorithms: { type: text, many: true },
      'min-size': { type: whole(), fallback: 1_024 },
      level: { type: number(1, 11), fallback: 6 },
      'content-types': { type: text, many: true },
    },
  },
  timeout: {
    options: {
      'request-timeout-secs': { type: seconds() },
      'upstream-timeout-secs': { type: seconds() },
      'connect-timeout-secs': {
        type: seconds(),
        mark: 'ignored',
        why: 'say it at the upstream: timeouts { connect-secs }',
      },
    },
  },
  log: { options: {}, ...ofLog },
  redirect: {
    options: {
      ...rewrites,
      'status-code': { type: whole(300, 308), fallback: 302 },
      scheme: { type: oneOf('http', 'https') },
      port: { type: whole(1, 65_535) },
    },
  },
  'url-rewrite': { options: rewrites },
  geo: { options: {}, mark: 'refused', why: 'where an address is on earth is not known here' },
  agent: {
    options: {},
    mark: 'refused',
    why: 'agents are not asked; for authorization use an external authorizer (docs/authorization.md)',
  },
};

/** `filter "id" { type "rate-limit"; max-rps 10 }` */
export const filter: BlockSchema = {
  args: ['id'],
  options: {
    id: { type: id, required: true },
    type: { type: oneOf(...Object.keys(types)), required: true },
  },
  by: { option: 'type', variants: types },
};
