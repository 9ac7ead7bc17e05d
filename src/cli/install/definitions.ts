// The definitions of Weft's own policies, so that an API server takes them and kubectl explain tells about them. What they
// mean is in docs/rate-limits.md, docs/traffic-settings.md and docs/acme.md; src/translate/weft/ reads them, and refuses
// what a schema cannot.
import type { Manifest } from './objects.ts';

type Schema = Readonly<Record<string, unknown>>;

const GROUP = 'policy.weft.dev';

/** A CustomResourceDefinition for each kind of policy.weft.dev. */
export function policyDefinitions(labels: Readonly<Record<string, string>>): Manifest[] {
  return [
    definition('RateLimit', 'ratelimits', 'ratelimit', rateLimit, labels),
    definition('TrafficSettings', 'trafficsettings', 'trafficsettings', trafficSettings, labels),
    definition('CertificateIssuer', 'certificateissuers', 'certificateissuer', certificateIssuer, labels),
  ];
}

const text = (description: string): Schema => ({ type: 'string', description });
const flag = (description: string): Schema => ({ type: 'boolean', description });
const whole = (description: string, minimum: number, maximum: number): Schema => ({
  type: 'integer',
  format: 'int64',
  minimum,
  maximum,
  description,
});
const number = (description: string, minimum: number, maximum: number): Schema => ({
  type: 'number',
  minimum,
  maximum,
  description,
});
/** What is misspelt is kept, so that Weft can name it; pruned, a condition would silently be for more. */
const object = (description: string, properties: Readonly<Record<string, Schema>>): Schema => ({
  type: 'object',
  description,
  properties,
  'x-kubernetes-preserve-unknown-fields': true,
});

const match = (description: string): Schema =>
  object(description, {
    exact: text('the whole text'),
    prefix: text('how it begins'),
    regex: text('a pattern of RE2 that the whole text matches'),
  });
const matches = (description: string): Schema => ({
  type: 'object',
  description,
  additionalProperties: match('one of exact, prefix, regex; empty: is there'),
});

const rateLimit: Schema = {
  ...object('how many requests each workload that is selected takes in', {
    selector: object('whose requests; without it all pods of the namespace', {
      matchLabels: {
        type: 'object',
        additionalProperties: { type: 'string' },
        description: 'labels of pods',
      },
    }),
    port: whole('only requests to this port of the application', 1, 65_535),
    requests: whole('how many, evenly', 1, 1_000_000_000),
    per: text('in this time, such as 1m; 1s unless said'),
    burst: whole('so many at once after a quiet time; as requests unless said', 1, 1_000_000_000),
    status: whole('answer of what is over the limit; 429 unless said', 400, 599),
    dryRun: flag('count, and refuse nothing'),
    matches: {
      type: 'array',
      description: 'only requests that meet one of these',
      items: object('conditions that must all hold', {
        path: match('without its query'),
        method: text('such as GET'),
        authority: match('the host that is asked for'),
        headers: matches('by name'),
        withoutHeaders: matches('by name; none of them may hold'),
        query: matches('parameters by name'),
      }),
    },
  }),
  required: ['requests'],
};

const trafficSettings: Schema = {
  ...object('what is said about traffic to a service beside its other policies', {
    host: text('the service: a name of this namespace, a full name, a wildcard'),
    port: whole('only this port of the service', 1, 65_535),
    adaptiveConcurrency: object('a limit on requests under way that finds itself', {
      minRequests: whole('never below; 3 unless said', 1, 1_000_000),
      maxRequests: whole('never above; 1000 unless said', 1, 1_000_000),
      tolerance: number('answers may take so many times the best time; 1.5 unless said', 1, 100),
    }),
    retryBudget: object('how many retries a proxy may add', {
      percent: number('share of the requests of the last ttl; 20 unless said', 0, 1000),
      minPerSecond: number('always allowed; 10 unless said', 0, 1_000_000),
      ttl: text('at least 1s; 10s unless said'),
    }),
    hedgeAfter: text('send a second try when the first has not answered in this time'),
    retryNonIdempotent: flag('a POST may be repeated even when the application may have seen it'),
    streamIdleTimeout: text('nothing sent or received on a request for this long ends it'),
  }),
  required: ['host'],
};

const certificateIssuer: Schema = {
  ...object('an ACME server that gateways get their certificates from', {
    server: text('URL of its directory, or letsencrypt, or letsencrypt-staging'),
    emails: {
      type: 'array',
      items: { type: 'string' },
      description: 'addresses that the server may write to',
    },
    challenge: {
      ...text('how names are shown to be ours; http-01 unless said'),
      enum: ['http-01', 'tls-alpn-01', 'dns-01'],
    },
    keyType: {
      ...text('of the keys of certificates; ecdsa-p256 unless said'),
      enum: ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-4096'],
    },
    preferredChain: text('common name at the top of the chain that is wanted, where the server has several'),
    caBundle: text('PEM of who vouches for the server; without it the authorities of the system'),
    externalAccount: object('an account elsewhere that ours belongs to', {
      keyId: text('as the server gave it'),
      secret: text('a Secret of this namespace with hmac-key, base64url as the server gave it'),
    }),
    dnsWebhook: object('who puts records into DNS, for dns-01', {
      url: text('where it is asked'),
      secret: text('a Secret of this namespace with token, which it is asked with'),
      timeout: text('for its answer; 2m unless said'),
    }),
    renewBefore: text(
      'so long before a certificate runs out; when the server says, or a third of its life, unless said',
    ),
  }),
  required: ['server'],
};

function definition(
  kind: string,
  plural: string,
  singular: string,
  spec: Schema,
  labels: Readonly<Record<string, string>>,
): Manifest {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}`, labels },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular, categories: ['weft'] },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec }, required: ['spec'] } },
        },
      ],
    },
  };
}
