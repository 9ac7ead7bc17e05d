import { type BlockSchema, flag, oneOf, seconds, text, whole } from '../../../kdl/index.ts';

const provider = {
  mark: 'refused',
  why: 'DNS is written by a service of yours alone: type "webhook" (docs/acme.md)',
} as const;

/** `acme { … }` in a listener's tls, or in an sni block of it. */
export const acme: BlockSchema = {
  options: {
    email: { type: text },
    domains: { type: text, many: true, required: true },
    staging: { type: flag, fallback: false },
    'server-url': { type: text },
    storage: { type: text, fallback: '/var/lib/sentinel/acme' },
    'renew-before-days': {
      type: whole(1),
      why: 'holds; without it certificates are renewed when the server says',
    },
    'challenge-type': { type: oneOf('http-01', 'tls-alpn-01', 'dns-01'), fallback: 'http-01' },
    'key-type': { type: oneOf('ecdsa-p256', 'ecdsa-p384'), fallback: 'ecdsa-p256' },
    eab: {
      block: { options: { kid: { type: text, required: true }, 'hmac-key': { type: text, required: true } } },
    },
    'dns-provider': {
      block: {
        options: {
          type: { type: oneOf('webhook'), required: true },
          url: { type: text, required: true },
          'credentials-file': { type: text },
          'credentials-env': provider,
          'auth-header': provider,
          'api-timeout-secs': { type: seconds(), fallback: 30_000 },
          propagation: {
            mark: 'ignored',
            why: 'the service answers when the record can be seen, or says how long that takes',
          },
        },
      },
    },
  },
};
