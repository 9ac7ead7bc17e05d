import { Agent, request } from 'undici';
import { errorMessage, WeftError } from '../errors/index.ts';
import { fieldAt } from '../plain/index.ts';
import { readText } from './answer-text.ts';
import { type Challenge, recordText } from './challenge.ts';

/** A service that puts TXT records into DNS; docs/acme.md tells its authors what it is asked. */
export interface DnsWebhook {
  readonly url: string;
  /** Sent as a bearer token. */
  readonly token?: string;
  readonly timeoutMs: number;
  /** PEM of who vouches for it; undefined for the system's roots. */
  readonly authorities?: string;
}

const maxWaitMs = 600_000;
/** More than a wait and words of a failure take. */
const maxAnswerBytes = 65_536;

/**
 * Asks the service. When it has answered 2xx the record can be seen, or can be after so many milliseconds, which its answer says
 * as `waitSeconds`.
 */
export async function callDnsWebhook(
  { url, token, timeoutMs, authorities }: DnsWebhook,
  action: 'present' | 'cleanup',
  challenge: Challenge,
): Promise<number | WeftError> {
  const agent = new Agent(authorities === undefined ? {} : { connect: { ca: authorities } });
  const failed = (why: string): WeftError =>
    new WeftError(
      'acme-dns-webhook',
      `dnsWebhook ${url} did not ${action} the TXT record of _acme-challenge.${challenge.host}: ${why}`,
      { source: 'upstream' },
    );
  try {
    const { statusCode, body } = await request(url, {
      method: 'POST',
      dispatcher: agent,
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({
        action,
        domain: challenge.host,
        record: `_acme-challenge.${challenge.host}`,
        value: recordText(challenge),
      }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await readText(body, maxAnswerBytes);
    if (statusCode < 200 || statusCode > 299)
      return failed(`status ${statusCode} ${text.slice(0, 200)}`.trimEnd());
    const waitMs = Number(fieldAt(parsed(text), 'waitSeconds') ?? 0) * 1000;
    return waitMs > 0 ? Math.min(maxWaitMs, waitMs) : 0;
  } catch (thrown) {
    return failed(errorMessage(thrown));
  } finally {
    void agent.destroy();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
