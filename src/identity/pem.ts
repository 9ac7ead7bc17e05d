import { X509Certificate } from 'node:crypto';
import { errorMessage, WeftError } from '../errors/index.ts';

/** More than any sane bundle of certificates. */
const maxPemBytes = 1 << 20;

/** One PEM block (RFC 7468). */
export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, … */
  readonly label: string;
  readonly der: Buffer;
}

/** The body stops at any dash, so that a BEGIN without an END costs no second look at the rest. */
const blockPattern = /-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n([^-]*)-----END ([A-Z0-9 ]{1,64})-----/g;
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Writes DER as PEM with lines of 64 characters and a newline at the end. */
export function writePem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der.buffer, der.byteOffset, der.length)
    .toString('base64')
    .match(/.{1,64}/g);
  return `-----BEGIN ${label}-----\n${(lines ?? []).join('\n')}\n-----END ${label}-----\n`;
}

/**
 * The blocks of a PEM text. Words between blocks are allowed, as RFC 7468 section 2 has it, unless `strict`. Undefined when a
 * block is broken: labels that differ, contents that are not base64, a BEGIN without an END.
 */
export function readPem(text: string, strict = false): PemBlock[] | undefined {
  const blocks: PemBlock[] = [];
  let outside = '';
  let at = 0;
  for (const match of text.matchAll(blockPattern)) {
    outside += text.slice(at, match.index);
    at = match.index + match[0].length;
    const base64 = match[2]!.replace(/[\r\n \t]/g, '');
    if (match[1] !== match[3] || !base64Pattern.test(base64)) return undefined;
    blocks.push({ label: match[1]!, der: Buffer.from(base64, 'base64') });
  }
  outside += text.slice(at);
  if (outside.includes('-----BEGIN') || (strict && outside.trim() !== '')) return undefined;
  return blocks;
}

/**
 * The certificates of a PEM text, in order, at least one. `what` names the text in the error (`the certificate chain`).
 * Any other kind of block is refused: a private key among certificates is a mistake that must not pass unseen.
 */
export function readCertificates(pem: string, what: string): X509Certificate[] | WeftError {
  const refuse = (why: string): WeftError =>
    new WeftError('certificate-unreadable', `${what} ${why}; give PEM certificates, leaf first`, {
      source: 'config',
    });
  if (pem.length > maxPemBytes) return refuse(`is larger than ${maxPemBytes} bytes`);
  const blocks = readPem(pem);
  if (!blocks) return refuse('is not valid PEM');
  if (blocks.length === 0) return refuse('holds no certificate');
  const certificates: X509Certificate[] = [];
  for (const block of blocks) {
    if (block.label !== 'CERTIFICATE') return refuse(`holds a ${block.label.toLowerCase()}`);
    try {
      certificates.push(new X509Certificate(block.der));
    } catch (thrown) {
      return refuse(`holds a certificate that cannot be read (${errorMessage(thrown)})`);
    }
  }
  return certificates;
}

/** SHA-256 of a certificate, lowercase hexadecimal; of the first of a PEM. '' where there is none. */
export function fingerprintOf(certificate: X509Certificate | string): string {
  if (typeof certificate !== 'string') return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const read = readCertificates(certificate, 'a certificate');
  return read instanceof WeftError ? '' : fingerprintOf(read[0]!);
}
