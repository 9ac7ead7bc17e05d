// A program for spire.test.ts, inside of a network namespace:
//   app PORT                            answers over HTTP who its proxy says has called
//   serve PORT CERT KEY ROOTS           answers by mutual TLS who has called
//   call URL CERT KEY ROOTS SPIFFE-ID   calls by mutual TLS, and prints the answer as JSON
//   get URL HOST                        calls over HTTP, and prints the answer as JSON
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request } from 'node:http';
import { createServer as createHttps, request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import type { PeerCertificate, TLSSocket } from 'node:tls';

/** What became of a call. */
export interface Answer {
  /** 0 where there was no answer; `body` says why. */
  readonly status: number;
  readonly body: string;
}

const [mode, where = '', ...rest] = process.argv.slice(2);

const credentials = ([cert, key, roots]: readonly string[]): { cert: Buffer; key: Buffer; ca: Buffer } => ({
  cert: readFileSync(cert!),
  key: readFileSync(key!),
  ca: readFileSync(roots!),
});

async function answerOf(sent: ReturnType<typeof request>): Promise<Answer> {
  try {
    const [response] = (await once(sent.end(), 'response')) as [IncomingMessage];
    return { status: response.statusCode!, body: await text(response) };
  } catch (error) {
    return { status: 0, body: String(error) };
  }
}

if (mode === 'app') {
  createServer((incoming, response) => {
    response.end(String(incoming.headers['x-forwarded-client-cert'] ?? 'nobody'));
  }).listen(Number(where), () => console.log('listening'));
} else if (mode === 'serve') {
  const options = { ...credentials(rest), requestCert: true, rejectUnauthorized: true };
  createHttps(options, (incoming, response) => {
    response.end(String((incoming.socket as TLSSocket).getPeerCertificate().subjectaltname));
  }).listen(Number(where), () => console.log('listening'));
} else if (mode === 'call') {
  const expected = `URI:${rest[3]}`;
  const checkServerIdentity = (_host: string, { subjectaltname }: PeerCertificate): Error | undefined =>
    subjectaltname === expected ? undefined : new Error(`the server is ${subjectaltname}`);
  const sent = requestHttps(where, { ...credentials(rest), agent: false, checkServerIdentity });
  console.log(JSON.stringify(await answerOf(sent)));
} else {
  console.log(JSON.stringify(await answerOf(request(where, { agent: false, headers: { host: rest[0]! } }))));
}
