// TLS towards upstreams that are no mesh peers: ServiceEntries and DestinationRules with tls modes SIMPLE and MUTUAL.
import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls';
import { errorMessage, WeftError } from '../errors/index.ts';
import type { OriginatedTls } from '../model/index.ts';

const keptMs = 60_000;

/** Contexts by settings; files are read again every minute, so that certificates that are rotated on disk are taken over. */
export class OriginatedContexts {
  readonly #kept = new WeakMap<OriginatedTls, { readonly context: SecureContext; readonly atMs: number }>();

  /** `nowMs` monotonic. Throws a WeftError that names the file which cannot be used. */
  get(settings: OriginatedTls, nowMs: number): SecureContext {
    const known = this.#kept.get(settings);
    if (known !== undefined && nowMs - known.atMs < keptMs) return known.context;
    const { caFile, certificateFile, keyFile, mode } = settings;
    if (mode === 'mutual' && (certificateFile === undefined || keyFile === undefined))
      throw bad('tls mode MUTUAL needs a client certificate and its private key');
    const context = make({
      ...(caFile !== undefined && { ca: read(caFile) }),
      ...(certificateFile !== undefined && { cert: read(certificateFile) }),
      ...(keyFile !== undefined && { key: read(keyFile) }),
    });
    this.#kept.set(settings, { context, atMs: nowMs });
    return context;
  }
}

/** Why the certificate of an upstream is not that of who is expected; undefined when it is. */
export function wrongUpstream(
  settings: OriginatedTls,
  serverName: string,
  certificate: PeerCertificate,
): string | undefined {
  const { subjectAltNames } = settings;
  if (subjectAltNames !== undefined && subjectAltNames.length > 0) {
    const has = namesOf(certificate.subjectaltname ?? '');
    if (subjectAltNames.some(each => has.includes(each))) return undefined;
    return `its certificate is for ${has.join(', ') || 'nobody'}, expected ${subjectAltNames.join(' or ')}`;
  }
  if (serverName === '' || isIP(serverName) !== 0) return undefined;
  try {
    return checkServerIdentity(serverName, certificate)?.message;
  } catch (thrown) {
    return `its certificate has names that cannot be read (${errorMessage(thrown)}); have it issued again`;
  }
}

/** `TYPE:value, TYPE:"value"`: Node quotes what holds a comma or a quote, so that one name cannot pretend to be two. */
const namePattern = /(?:^|, )[^:,"]+:("(?:[^"\\]|\\.)*"|[^",]*)(?=, |$)/gy;

/** The alternative names in Node's text; those before the first that cannot be read. */
function namesOf(text: string): string[] {
  const names: string[] = [];
  for (const [, name = ''] of text.matchAll(namePattern)) {
    try {
      names.push(name.startsWith('"') ? String(JSON.parse(name)) : name);
    } catch {
      return names;
    }
  }
  return names;
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw bad(
      `the file ${file} cannot be read (${errorMessage(error)}); is it mounted into the proxy container?`,
    );
  }
}

function make(options: Parameters<typeof createSecureContext>[0]): SecureContext {
  try {
    return createSecureContext({
      minVersion: 'TLSv1.2',
      // TLS 1.2 has it, and whoever may ask for it at any time may ask for it all the time (CVE-2011-1473).
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      ...options,
    });
  } catch (error) {
    throw bad(`certificate, key and authority do not fit together (${errorMessage(error)})`);
  }
}

function bad(words: string): WeftError {
  return new WeftError('originated-tls', words, { source: 'config' });
}
