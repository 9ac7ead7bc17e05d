import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { PeerCertificate } from 'node:tls';
import { errorMessage, WeftError } from '../errors/index.ts';
import { spiffeIdOf } from '../identity/index.ts';
import type { BundleEndpoint } from '../model/index.ts';
import { readBundle, type SpiffeBundle } from './bundle.ts';

/** Who is believed to be the endpoint. */
export interface FetchedFrom extends BundleEndpoint {
  /** PEM: with `spiffeId` the roots of its trust domain; otherwise beside the system's, for tests and private authorities. */
  readonly roots: readonly string[];
}

/** Gets a bundle; errors are results: bundle, bundle-unreachable. */
export type FetchBundle = (from: FetchedFrom, signal: AbortSignal) => Promise<SpiffeBundle | WeftError>;

const maxBytes = 1 << 20;

/** Fetches a bundle over HTTPS by either profile of SPIFFE_Federation.md section 5.2. Redirects are not followed. */
export const fetchBundle: FetchBundle = (from, signal) =>
  new Promise(resolve => {
    const { url, spiffeId, roots } = from;
    const fail = (why: string): void =>
      resolve(
        new WeftError('bundle-unreachable', `the bundle at ${url} cannot be fetched: ${why}`, {
          source: 'upstream',
        }),
      );
    const expected = (_host: string, certificate: PeerCertificate): Error | undefined => {
      const found = spiffeIdOf(certificate.raw);
      return found === spiffeId
        ? undefined
        : new Error(`its server is ${found ?? 'nobody of SPIFFE'} and not ${spiffeId}`);
    };
    const heard = (response: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      if (response.statusCode !== 200) {
        response.destroy();
        fail(`it answers ${response.statusCode}`);
        return;
      }
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) response.destroy(new Error(`it is longer than ${maxBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', error => fail(error.message));
      response.on('end', () => resolve(readBundle(Buffer.concat(chunks).toString('utf8'))));
    };
    try {
      const sent = request(
        url,
        {
          ...{ agent: false, signal, headers: { accept: 'application/json' } },
          ...(spiffeId !== undefined && { checkServerIdentity: expected }),
          ...((spiffeId !== undefined || roots.length > 0) && { ca: [...roots] }),
        },
        heard,
      );
      sent.on('error', error => fail(error.message));
      sent.end();
    } catch (thrown) {
      fail(errorMessage(thrown));
    }
  });
