// JSON over HTTP or HTTPS to one server, bounded in bytes; for issuers.
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';

/** One call; `path` begins with a slash and is encoded already. */
export interface JsonCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** What was answered, whatever the status; `body` undefined where it is no JSON. */
export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** More than any answer of an issuer. */
const maxAnswerBytes = 1 << 20;

/**
 * Calls the server at `address`; `ca`: PEM of who vouches for it, undefined for the system's roots. Rejects when nobody
 * answered.
 */
export function jsonClient(
  address: string,
  ca?: () => string | undefined,
): (call: JsonCall, signal: AbortSignal) => Promise<JsonAnswer> {
  const base = new URL(address);
  const secure = base.protocol === 'https:';
  return ({ method, path, body, headers }, signal) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const options = {
        ...{ method, signal, host: base.hostname, port: base.port || (secure ? 443 : 80), path },
        headers: {
          ...{ accept: 'application/json', ...headers },
          ...(text !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
          }),
        },
      };
      const heard = (response: IncomingMessage): void => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxAnswerBytes)
            response.destroy(new Error(`its answer is longer than ${maxAnswerBytes} bytes`));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString('utf8')) }),
        );
      };
      const found = ca?.();
      const sent = secure
        ? secureRequest({ ...options, ...(found !== undefined && { ca: found }) }, heard)
        : plainRequest(options, heard);
      sent.on('error', reject);
      sent.end(text);
    });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
