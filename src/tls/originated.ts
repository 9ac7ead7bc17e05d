// TLS towards upstreams that are no mesh peers: ServiceEntries and DestinationRules with tls modes SIMPLE and MUTUAL.
import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls';
import { errorMessage, WeftError } from '../errors/index.ts';
import type { CertificateResource, ExpectedName, OriginatedTls } from '../model/index.ts';

const keptMs = 60_000;
/** Until files that could not be used are tried again. */
const againMs = 5_000;

/** The certificate of this key (CertificateResource.key), as it is now; undefined where nobody has told it yet. */
export type CertificateOf = (key: string) => CertificateResource | undefined;

interface Kept {
  readonly context: SecureContext;
  readonly shown: CertificateResource | undefined;
  readonly atMs: number;
}

/** Contexts by settings; files are read again every minute, so that certificates that are rotated on disk are taken over. */
export class OriginatedContexts {
  readonly #certificateOf: CertificateOf;
  readonly #kept = new WeakMap<OriginatedTls, Kept>();

  /** `certificateOf`: for OriginatedTls.certificate, as it is now. */
  constructor(certificateOf: CertificateOf = () => undefined) {
    this.#certificateOf = certificateOf;
  }

  /** `nowMs` monotonic. Throws a WeftError that names what cannot be used. */
  get(settings: OriginatedTls, nowMs: number): SecureContext {
    const { why, certificate: key, authorities, caFile, certificateFile, keyFile, mode } = settings;
    if (why !== undefined) throw bad(why);
    const shown = key === undefined ? undefined : this.#shown(key);
    const known = this.#kept.get(settings);
    if (known !== undefined && known.shown === shown && nowMs - known.atMs < keptMs) return known.context;
    if (mode === 'mutual' && shown === undefined && (certificateFile === undefined || keyFile === undefined))
      throw bad('tls mode MUTUAL needs a client certificate and its private key');
    const { minVersion, maxVersion, ciphers } = settings;
    try {
      const context = make({
        ...(minVersion && { minVersion }),
        ...(maxVersion && { maxVersion }),
        ...(ciphers && { ciphers: ciphers.join(':') }),
        ...(shown && { cert: shown.chain, key: shown.privateKey }),
        ...(caFile !== undefined && { ca: read(caFile) }),
        ...(authorities !== undefined && { ca: authorities }),
        ...(certificateFile !== undefined && { cert: read(certificateFile) }),
        ...(keyFile !== undefined && { key: read(keyFile) }),
      });
      this.#kept.set(settings, { context, shown, atMs: nowMs });
      return context;
    } catch (thrown) {
      // Files are written one after the other: until they fit together again, what they said before holds.
      if (known === undefined || known.shown !== shown) throw thrown;
      this.#kept.set(settings, { ...known, atMs: nowMs - keptMs + againMs });
      return known.context;
    }
  }

  #shown(key: string): CertificateResource {
    const certificate = this.#certificateOf(key);
    if (certificate === undefined) throw bad('the certificate to show this upstream is not here yet');
    if (certificate.why !== undefined)
      throw bad(`the certificate to show this upstream cannot be had: ${certificate.why}`);
    return certificate;
  }
}

/** Why the certificate of an upstream is not that of who is expected; undefined when it is. */
export function wrongUpstream(
  settings: OriginatedTls,
  serverName: string,
  certificate: PeerCertificate,
): string | undefined {
  const { subjectAltNames, expected, anyName } = settings;
  if (anyName === true) return undefined;
  if (expected !== undefined) return wrongNames(expected, certificate);
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

/** By the sort of each name: a URI that looks like a host is none. */
function wrongNames(
  expected: readonly ExpectedName[],
  { subjectaltname = '' }: PeerCertificate,
): string | undefined {
  const has = typedNamesOf(subjectaltname);
  const isGood = expected.some(({ type, name }) =>
    has.some(each =>
      type === 'uri'
        ? each.type === 'URI' && each.name === name
        : each.type === 'DNS' && isSameHost(each.name.toLowerCase(), name),
    ),
  );
  if (isGood) return undefined;
  const words = has.map(each => each.name).join(', ') || 'nobody';
  return `its certificate is for ${words}, expected ${expected.map(each => each.name).join(' or ')}`;
}

/** `*.` on either side stands for one label (RFC 6125 section 6.4.3). */
function isSameHost(left: string, right: string): boolean {
  if (left === right) return true;
  const covers = (wide: string, narrow: string): boolean =>
    wide.startsWith('*.') && narrow.slice(narrow.indexOf('.')) === wide.slice(1) && narrow.indexOf('.') > 0;
  return covers(left, right) || covers(right, left);
}

/** `TYPE:value, TYPE:"value"`: Node quotes what holds a comma or a quote, so that one name cannot pretend to be two. */
const namePattern = /(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^",]*)(?=, |$)/gy;

/** The alternative names in Node's text; those before the first that cannot be read. */
export function typedNamesOf(text: string): { readonly type: string; readonly name: string }[] {
  const names: { readonly type: string; readonly name: string }[] = [];
  for (const [, type = '', name = ''] of text.matchAll(namePattern)) {
    try {
      names.push({ type, name: name.startsWith('"') ? String(JSON.parse(name)) : name });
    } catch {
      return names;
    }
  }
  return names;
}

function namesOf(text: string): string[] {
  return typedNamesOf(text).map(each => each.name);
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
