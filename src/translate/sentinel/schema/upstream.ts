import { type BlockSchema, flag, number, oneOf, seconds, text, whole } from '../../../kdl/index.ts';
import { id } from './id.ts';

const target: BlockSchema = {
  args: ['address'],
  options: {
    address: { type: text, required: true },
    weight: { type: whole(0, 1_000), fallback: 1 },
    'max-requests': {
      type: whole(1),
      why: 'holds: requests that it may have under way; others go to other targets, and where all are full 503 is the answer. Each core counts for itself',
    },
    metadata: { block: { options: {}, free: text } },
  },
};

const refresh = { type: seconds(1) } as const;

const discovery = {
  variants: {
    static: {
      options: { backends: { type: text, many: true, required: true } },
    },
    dns: {
      options: {
        hostname: { type: text, required: true },
        port: { type: whole(1, 65_535), required: true },
        'refresh-interval': { ...refresh, fallback: 30_000 },
      },
    },
    'dns-srv': {
      options: {
        service: { type: text, required: true },
        'refresh-interval': { ...refresh, fallback: 30_000 },
      },
    },
    consul: {
      options: {
        address: { type: text, required: true },
        service: { type: text, required: true },
        datacenter: { type: text },
        'only-passing': { type: flag, fallback: true },
        tag: { type: text },
        token: { type: text },
        'token-file': { type: text },
        'ca-cert': { type: text },
        'refresh-interval': { ...refresh, fallback: 10_000 },
      },
    },
    kubernetes: {
      options: {
        namespace: { type: text, required: true },
        service: { type: text, required: true },
        'port-name': { type: text },
        kubeconfig: { type: text },
        'refresh-interval': { ...refresh, fallback: 10_000 },
      },
    },
    file: {
      options: { path: { type: text, required: true }, 'watch-interval': { ...refresh, fallback: 5_000 } },
    },
  },
} as const satisfies { readonly variants: Readonly<Record<string, BlockSchema>> };

const healthCheck: BlockSchema = {
  options: {
    type: {
      variants: {
        http: {
          options: {
            path: { type: text, fallback: '/health' },
            'expected-status': { type: text, many: true },
            host: { type: text },
          },
        },
        tcp: { options: {} },
        grpc: { options: { service: { type: text, fallback: '' } } },
        inference: { options: {}, mark: 'refused', why: 'check models by the http of their server' },
      },
    },
    'interval-secs': { type: seconds(1), fallback: 10_000 },
    'timeout-secs': { type: seconds(0.1), fallback: 5_000 },
    'healthy-threshold': { type: whole(1, 100), fallback: 2 },
    'unhealthy-threshold': { type: whole(1, 100), fallback: 3 },
  },
};

/** How targets are picked: words of Sentinel, without hyphens and underscores, and what each is here. */
export const BALANCERS: Readonly<Record<string, string>> = {
  roundrobin: 'round-robin',
  weighted: 'round-robin',
  weightedroundrobin: 'round-robin',
  leastconnections: 'least-request',
  leastconn: 'least-request',
  weightedleastconn: 'least-request',
  weightedleastconnections: 'least-request',
  wlc: 'least-request',
  random: 'random',
  iphash: 'ip-hash',
  consistenthash: 'ring-hash',
  maglev: 'maglev',
  poweroftwochoices: 'p2c-ewma',
  p2c: 'p2c-ewma',
  peakewma: 'p2c-ewma',
  ewma: 'p2c-ewma',
  adaptive: 'adaptive',
  localityaware: 'locality',
  sticky: 'sticky',
};

/** Those that are not here, with the reason. */
export const REFUSED_BALANCERS: Readonly<Record<string, string>> = {
  deterministicsubset: 'every proxy may call every target; use power_of_two_choices',
  leasttokensqueued: 'queues of models are not looked at; use least_connections',
};

/** The one spelling of a name of a balancer. */
export function balancerKey(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '');
}

const loadBalancing: BlockSchema = {
  options: {
    'cookie-name': { type: text, fallback: 'SERVERID' },
    'cookie-ttl': { type: seconds(), fallback: 3_600_000 },
    'cookie-path': { type: text, fallback: '/' },
    'cookie-secure': { type: flag, why: 'holds; unless told, where the request came over TLS' },
    'cookie-same-site': { type: oneOf('lax', 'strict', 'none'), fallback: 'lax' },
    fallback: { type: text, mark: 'ignored', why: 'who has no cookie is sent where there is least to do' },
  },
};

/** Sentinel's pages have both spellings of most. */
function seconded(fallback: number, alias: string) {
  return { type: seconds(), fallback, aliases: [alias] };
}

/** Of an upstream; a route may say it, too. */
export const circuitBreaker: BlockSchema = {
  options: {
    'failure-threshold': { type: whole(1), fallback: 5 },
    'success-threshold': {
      type: whole(1),
      fallback: 2,
      why: 'holds: answers that a target has to give, half open, before it is back in full',
    },
    'timeout-seconds': { type: seconds(1), fallback: 30_000, aliases: ['timeout-secs'] },
    'half-open-max-requests': {
      type: whole(1),
      fallback: 1,
      why: 'holds: requests that a half-open target may have under way',
    },
  },
};

/** `upstream "id" { … }` */
export const upstream: BlockSchema = {
  args: ['id'],
  options: {
    id: { type: id, required: true },
    target: { many: true, block: target },
    targets: { many: true, block: { options: { target: { many: true, block: target } } } },
    address: { type: text, many: true },
    discovery,
    static: { type: oneOf('until-discovered', 'add'), fallback: 'until-discovered' },
    'load-balancing': {
      type: {
        words:
          'round_robin, least_connections, random, consistent_hash, power_of_two_choices, weighted, ip_hash, maglev, peak_ewma, locality_aware or sticky',
        read: value => {
          if (typeof value !== 'string') return undefined;
          const key = balancerKey(value);
          return key in BALANCERS || key in REFUSED_BALANCERS ? value : undefined;
        },
      },
      block: loadBalancing,
    },
    'health-check': { block: healthCheck },
    'connection-pool': {
      block: {
        options: {
          'max-connections': { type: whole(1), fallback: 100 },
          'max-idle': {
            type: whole(0),
            why: 'holds, for each target: of more the connection closes that is idle longest',
          },
          'idle-timeout-secs': seconded(60_000, 'idle-timeout'),
          'max-lifetime-secs': {
            type: seconds(1),
            aliases: ['max-lifetime'],
            why: 'holds: a connection of this age takes no further request',
          },
        },
      },
    },
    timeouts: {
      block: {
        options: {
          'connect-secs': seconded(10_000, 'connect'),
          'request-secs': seconded(60_000, 'request'),
          'read-secs': seconded(30_000, 'read'),
          'write-secs': seconded(30_000, 'write'),
        },
      },
    },
    'circuit-breaker': { block: circuitBreaker },
    tls: {
      block: {
        options: {
          sni: { type: text },
          'client-cert': { type: text },
          'client-key': { type: text },
          'ca-cert': { type: text },
          'insecure-skip-verify': { type: flag, fallback: false },
        },
      },
    },
    'http-version': {
      block: {
        options: {
          'min-version': { type: number(1, 2), fallback: 1 },
          'max-version': {
            type: number(1, 2),
            mark: 'ignored',
            why: 'requests go as HTTP/1.1 unless min-version is 2, and calls of gRPC as HTTP/2 always',
          },
          'h2-ping-interval': { type: seconds(), fallback: 0, aliases: ['h2-ping-interval-secs'] },
          'max-h2-streams': { type: whole(1), fallback: 100 },
        },
      },
    },
  },
};
