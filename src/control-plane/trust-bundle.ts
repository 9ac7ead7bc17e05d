import { createHash, X509Certificate } from 'node:crypto';
import { PATHS } from '../config/index.ts';
import { recordOf } from '../plain/index.ts';

/** The roots that a ConfigMap `weft-trust` holds, and since when those that nobody signs under any more are retired. */
export interface TrustBundle {
  /** PEM, one certificate each. */
  readonly roots: readonly string[];
  /** By fingerprint; milliseconds since the epoch. */
  readonly retiredAtMs: Readonly<Record<string, number>>;
}

/** Name of the ConfigMap with the trusted roots, in every namespace. */
export const TRUST_CONFIG_MAP = 'weft-trust';

/** Key of the PEM text in it: the file that proxies read. */
export const TRUST_KEY = PATHS.rootCertificate.split('/').at(-1)!;

/** Annotation on the one in the system namespace: JSON, when which root was retired. */
export const RETIRED_ANNOTATION = 'weft.dev/retired-roots';

const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Reads a ConfigMap; what is unreadable in it counts as absent. */
export function readBundle(configMap: Readonly<Record<string, unknown>> | undefined): TrustBundle {
  const data = recordOf(configMap?.data);
  const held = data[TRUST_KEY];
  const text = typeof held === 'string' ? held : '';
  const annotation = recordOf(recordOf(configMap?.metadata).annotations)[RETIRED_ANNOTATION];
  let said: unknown;
  try {
    said = typeof annotation === 'string' ? JSON.parse(annotation) : {};
  } catch {
    said = {};
  }
  const retiredAtMs: Record<string, number> = {};
  for (const [fingerprint, when] of Object.entries(recordOf(said))) {
    const atMs = typeof when === 'string' ? Date.parse(when) : Number.NaN;
    if (Number.isFinite(atMs)) retiredAtMs[fingerprint] = atMs;
  }
  return { roots: (text.match(certificatePattern) ?? []).map(each => `${each}\n`), retiredAtMs };
}

/**
 * The bundle that should be, from the one that is and the authority's own roots (with those about to be used): a root that is
 * no longer the authority's is kept for `keepMs`, in which every certificate under it is renewed, unless it is among `distrusted`
 * (fingerprints), because a rotation saw to that.
 */
export function nextBundle(
  bundle: TrustBundle,
  own: readonly string[],
  nowMs: number,
  keepMs: number,
  distrusted: readonly string[] = [],
): TrustBundle {
  const retiredAtMs: Record<string, number> = {};
  const old = bundle.roots.filter(root => {
    if (own.includes(root) || distrusted.includes(certificateOf(root))) return false;
    const fingerprint = fingerprintOf(root);
    const sinceMs = bundle.retiredAtMs[fingerprint] ?? nowMs;
    if (nowMs - sinceMs >= keepMs) return false;
    retiredAtMs[fingerprint] = sinceMs;
    return true;
  });
  return { roots: [...own, ...old], retiredAtMs };
}

/** What a ConfigMap with this bundle says; `withRetired` for the one in the system namespace. */
export function writeBundle(bundle: TrustBundle): {
  readonly data: Record<string, string>;
  readonly annotations: Record<string, string>;
} {
  const retired = Object.fromEntries(
    Object.entries(bundle.retiredAtMs).map(([fingerprint, atMs]) => [
      fingerprint,
      new Date(atMs).toISOString(),
    ]),
  );
  return {
    data: { [TRUST_KEY]: bundle.roots.join('') },
    annotations: { [RETIRED_ANNOTATION]: JSON.stringify(retired) },
  };
}

/** Fingerprint of the certificate, as a rotation writes it down. */
function certificateOf(pem: string): string {
  try {
    return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
  } catch {
    return '';
  }
}

/** SHA-256 of the PEM text without white space, which is enough to tell roots apart. */
function fingerprintOf(pem: string): string {
  return createHash('sha256').update(pem.replace(/\s+/g, '')).digest('hex').slice(0, 32);
}
