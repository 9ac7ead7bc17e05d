import { type BlockSchema, flag, oneOf, seconds, text, whole } from '../../../kdl/index.ts';
import { OPENSSL_CIPHERS } from '../../tls-ciphers.ts';
import { acme } from './acme.ts';
import { id } from './id.ts';

const upstreamTls = {
  type: text,
  why: 'client-cert, client-key and ca-cert are for connections to upstreams: put the tls block into the upstream',
} as const;

/** Versions, with the words that Sentinel takes for each. */
export const TLS_VERSIONS: Readonly<Record<string, 'TLSv1.2' | 'TLSv1.3'>> = {
  '1.2': 'TLSv1.2',
  'TLS1.2': 'TLSv1.2',
  '1.3': 'TLSv1.3',
  'TLS1.3': 'TLSv1.3',
};
/** Suites that are taken. */
export const CIPHERS = OPENSSL_CIPHERS;

const version = oneOf(...Object.keys(TLS_VERSIONS));

/** A folder of pairs: NAME.crt (.pem, .cert) with NAME.key. */
const sniCerts: BlockSchema = {
  options: {
    'cert-folder': { type: text, required: true },
    'reload-mode': { type: oneOf('off', 'interval', 'watch'), fallback: 'watch' },
    'reload-interval': { type: seconds(1), fallback: 30_000 },
  },
};

const tls: BlockSchema = {
  options: {
    'cert-file': { type: text },
    'key-file': { type: text },
    'ca-file': { type: text },
    'client-auth': { type: flag, fallback: false },
    'min-version': { type: version },
    'max-version': { type: version },
    'cipher-suite': { type: text, many: true },
    'ocsp-stapling': { type: flag, mark: 'ignored', why: 'answers of OCSP are not stapled' },
    'session-resumption': { type: flag, fallback: true },
    sni: {
      many: true,
      block: {
        options: {
          hostnames: {
            type: text,
            many: true,
            aliases: ['priority-hostnames'],
            mark: 'ignored',
            why: 'a certificate is shown for the names that it has',
          },
          'cert-file': { type: text },
          'key-file': { type: text },
          acme: { block: acme },
        },
      },
    },
    'sni-certs': { block: sniCerts },
    'allow-sni-overlaps': {
      type: flag,
      mark: 'ignored',
      why: 'of two certificates for one name the first counts',
    },
    acme: { block: acme },
    // Options of an upstream's tls, which an example of Sentinel's pages has here; see `misplaced` in listeners.ts.
    'client-cert': upstreamTls,
    'client-key': upstreamTls,
    'ca-cert': upstreamTls,
  },
};

/** `listener "id" { … }` */
export const listener: BlockSchema = {
  args: ['id'],
  options: {
    id: { type: id, required: true },
    address: { type: text, required: true },
    protocol: { type: oneOf('http', 'https', 'h2', 'h3'), fallback: 'http' },
    tls: { block: tls },
    'default-route': { type: text },
    namespace: { type: text },
    'request-timeout-secs': { type: seconds(), fallback: 60_000 },
    'keepalive-timeout-secs': { type: seconds(), fallback: 75_000 },
    'keepalive-max-requests': { type: whole(1) },
    'max-concurrent-streams': {
      type: whole(1, 2 ** 31 - 1),
      fallback: 100,
      why: 'holds: requests of one connection of HTTP/2 at once; beyond it REFUSED_STREAM, which clients repeat',
    },
  },
};
