// Loaded only where an app's TLS chooses HTTP/2: it costs a sidecar memory.
import { connect } from 'node:http2';
import type { Socket } from 'node:net';
import { errorMessage } from '../errors/index.ts';
import type { ProbeAnswer } from './http-answer.ts';
import { authorityOf, type ProbeHeaders, type ProbeUrl } from './http-request.ts';

const connectionHeaders = [
  'host',
  'user-agent',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'te',
];

/** Asks over a connection whose TLS has chosen `h2`. */
export function askHttp2(
  socket: Socket,
  url: ProbeUrl,
  { given, userAgent, host, referer }: ProbeHeaders,
  where: string,
  done: (result: ProbeAnswer | string) => void,
): void {
  const session = connect(`https://${authorityOf(url)}`, { createConnection: () => socket });
  const fail = (error: unknown): void => done(`${where}: ${errorMessage(error)}`);
  session.on('error', fail);
  const headers: Record<string, string> = { accept: '*/*' };
  for (const { name, value } of given)
    if (!connectionHeaders.includes(name.toLowerCase())) headers[name.toLowerCase()] = value;
  if (referer !== '') headers.referer ??= referer;
  const agent = given.find(({ name }) => name.toLowerCase() === 'user-agent')?.value ?? userAgent;
  const stream = session.request({
    ...headers,
    'user-agent': agent,
    ':method': 'GET',
    ':path': url.target,
    ':authority': host === '' ? authorityOf(url) : host,
  });
  let answer: ProbeAnswer | undefined;
  stream.on('response', ({ ':status': status, location }) => {
    answer = { status: Number(status), location: location ?? '' };
  });
  stream.on('error', fail);
  stream.on('end', () => done(answer ?? `${where}: the connection ended without an answer`));
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > 10 << 10 && answer !== undefined) done(answer);
  });
}
