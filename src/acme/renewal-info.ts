import type { X509Certificate } from 'node:crypto';
import { fieldAt } from '../plain/index.ts';
import type { AcmeConnection } from './connection.ts';
import { AcmeFailure } from './failure.ts';

/** When a server would like a certificate to be renewed (RFC 9773). */
export interface RenewalWindow {
  readonly startMs: number;
  readonly endMs: number;
  /** Why, where it is not the usual time; ''. */
  readonly explanation: string;
  readonly askAgainAfterMs: number;
}

/** Bounds of how often it is asked, whatever the server says (RFC 9773 section 4.3). */
const soonestMs = 60_000;
const latestMs = 86_400_000;
const usualMs = 6 * 3_600_000;

/** Undefined where the server does not tell such things. */
export async function renewalWindow(
  connection: AcmeConnection,
  certificate: X509Certificate,
): Promise<RenewalWindow | AcmeFailure | undefined> {
  const directory = await connection.directory();
  if (directory instanceof AcmeFailure) return directory;
  const id = certificateId(certificate);
  if (directory.renewalInfo === undefined || id === undefined) return undefined;
  const answer = await connection.get(`${directory.renewalInfo.replace(/\/$/, '')}/${id}`);
  if (answer instanceof AcmeFailure) return answer;
  const time = (name: string): number => Date.parse(String(fieldAt(answer.body, 'suggestedWindow', name)));
  const [startMs, endMs] = [time('start'), time('end')];
  // A window without a length is no window (section 4.2).
  if (!(startMs < endMs))
    return new AcmeFailure('acme-refused', 'the ACME server suggests no time for the renewal');
  const explanation = fieldAt(answer.body, 'explanationURL');
  const asked = answer.retryAfterMs ?? usualMs;
  return {
    ...{ startMs, endMs },
    explanation: typeof explanation === 'string' ? explanation : '',
    askAgainAfterMs: Math.min(latestMs, Math.max(soonestMs, asked)),
  };
}

const authorityKeyIdentifier = Buffer.from('0603551d23', 'hex');

/** Key identifier of the issuer and serial (RFC 9773 section 4.1); undefined where the certificate does not say the former. */
export function certificateId({ raw, serialNumber }: X509Certificate): string | undefined {
  const at = raw.indexOf(authorityKeyIdentifier);
  if (at < 0) return undefined;
  // OCTET STRING, SEQUENCE, then [0]: each with a length of one byte, as identifiers are short.
  const value = at + authorityKeyIdentifier.length;
  if (raw[value] !== 0x04 || raw[value + 2] !== 0x30 || raw[value + 4] !== 0x80) return undefined;
  const identifier = raw.subarray(value + 6, value + 6 + raw[value + 5]!);
  const even = serialNumber.length % 2 === 0 ? serialNumber : `0${serialNumber}`;
  // As DER has it: a number that is not negative.
  const serial = Buffer.from(/^[89a-f]/i.test(even) ? `00${even}` : even, 'hex');
  return `${identifier.toString('base64url')}.${serial.toString('base64url')}`;
}
