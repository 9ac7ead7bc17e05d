import { X509Certificate } from 'node:crypto';
import { errorMessage, WeftError } from '../errors/index.ts';
import { readRoots, writePem } from '../identity/index.ts';
import { recordOf, recordsOf } from '../plain/index.ts';

/** What a SPIFFE bundle says (SPIFFE_Trust_Domain_and_Bundle.md section 4), as far as X.509 is concerned. */
export interface SpiffeBundle {
  /** PEM, one certificate each. */
  readonly roots: readonly string[];
  readonly refreshHintMs?: number;
}

/** More keys than any trust domain has; each is held by every proxy. */
const MAX_ROOTS = 64;

/** Reads a bundle in SPIFFE's JSON format. Error `bundle`: what is wrong with it. */
export function readBundle(text: string): SpiffeBundle | WeftError {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch (thrown) {
    return refuse(`it is no JSON (${errorMessage(thrown)})`);
  }
  const bundle = recordOf(said);
  if (!Array.isArray(bundle.keys)) return refuse("it has no list 'keys'");
  const keys = recordsOf(bundle.keys).filter(key => key.use === 'x509-svid');
  if (keys.length === 0) return refuse('none of its keys is for X.509 (use x509-svid)');
  if (keys.length > MAX_ROOTS) return refuse(`it has ${keys.length} keys, more than ${MAX_ROOTS}`);
  const roots: string[] = [];
  for (const { x5c } of keys) {
    // Section 4.2.2: exactly one certificate.
    const [der, ...more] = Array.isArray(x5c) ? (x5c as unknown[]) : [];
    if (typeof der !== 'string' || more.length > 0)
      return refuse('a key has not exactly one certificate (x5c)');
    roots.push(writePem('CERTIFICATE', Buffer.from(der, 'base64')));
  }
  const read = readRoots(roots);
  if (read instanceof WeftError) return refuse(read.message);
  const hint = bundle.spiffe_refresh_hint;
  return {
    roots: read.map(root => writePem('CERTIFICATE', root.raw)),
    ...(typeof hint === 'number' && hint > 0 && { refreshHintMs: hint * 1000 }),
  };
}

/** Our own roots in that format. */
export function formatBundle(roots: readonly string[], refreshHintMs: number): string {
  const certificates = roots.map(pem => new X509Certificate(pem));
  const keys = certificates.map(certificate => ({
    ...certificate.publicKey.export({ format: 'jwk' }),
    use: 'x509-svid',
    x5c: [certificate.raw.toString('base64')],
  }));
  const bundle = {
    keys,
    spiffe_sequence: sequenceOf(certificates),
    spiffe_refresh_hint: Math.round(refreshHintMs / 1000),
  };
  return `${JSON.stringify(bundle, undefined, 2)}\n`;
}

/**
 * Grows when a root comes and when an old one goes, and is the same at all replicas, which share nothing but the roots. Only a
 * rotation that is taken back (`weft ca rotate --back`) makes it smaller.
 */
function sequenceOf(certificates: readonly X509Certificate[]): number {
  const newestS = Math.max(0, ...certificates.map(each => each.validFromDate.getTime() / 1000));
  return Math.floor(newestS) * 1000 + (999 - Math.min(999, certificates.length));
}

function refuse(why: string): WeftError {
  return new WeftError('bundle', `the SPIFFE bundle cannot be used: ${why}`, { source: 'upstream' });
}
