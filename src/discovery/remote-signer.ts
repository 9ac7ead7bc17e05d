import type { TLSSocket } from 'node:tls';
import { errorMessage, WeftError } from '../errors/index.ts';
import type { Credentials, Sign, SignAnswer, SignRequest } from '../identity/index.ts';
import { type ControlPlane, connectAnyReplica } from './control-plane-connection.ts';
import { AT_FIRST } from './first-that-answers.ts';
import { LineReader } from './line-reader.ts';
import { MAX_LINE_BYTES, type ServerMessage, type SignMessage } from './protocol.ts';

/** What a proxy proves its identity with. */
export interface RemoteSignerOptions {
  readonly controlPlane: ControlPlane;
  /** The ServiceAccount token, read anew each time because the kubelet renews it; undefined where there is none. */
  readonly token: () => Promise<string | undefined>;
  /** The current certificate, for renewals; one that has run out is not shown. */
  readonly credentials: () => Credentials | undefined;
}

/** Gets certificates from the control plane: the `sign` of a proxy's CertificateKeeper. Throws WeftErrors. */
export function remoteSigner(options: RemoteSignerOptions): Sign {
  return async (request, signal) => {
    const token = await options.token();
    const current = options.credentials();
    const usable = current && current.notAfterMs > request.nowMs ? current : undefined;
    if (token === undefined && !usable) {
      const why =
        'there is neither a token nor a certificate to prove the identity with; mount a projected token';
      throw new WeftError('identity-unproven', why, { source: 'config' });
    }
    const socket = await connectAnyReplica(options.controlPlane, usable, AT_FIRST, signal);
    try {
      return await ask(socket, request, token, signal);
    } finally {
      socket.destroy();
    }
  };
}

function ask(
  socket: TLSSocket,
  request: SignRequest,
  token: string | undefined,
  signal: AbortSignal,
): Promise<SignAnswer> {
  const message: SignMessage = { type: 'sign', ...request, ...(token !== undefined && { token }) };
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(
        new WeftError('sign-unanswered', `the control plane did not answer the certificate request: ${why}`),
      );
    const reader = new LineReader(MAX_LINE_BYTES);
    const abort = (): void => fail('given up');
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', error => fail(error.message));
    socket.on('close', () => {
      signal.removeEventListener('abort', abort);
      fail('it closed the connection');
    });
    socket.on('data', chunk => {
      const fine = reader.push(chunk, line => {
        const answer = readAnswer(line);
        if (answer instanceof WeftError) reject(answer);
        else if (answer) resolve(answer);
        return answer === undefined;
      });
      if (!fine) fail('its answer is too long');
    });
    socket.write(`${JSON.stringify(message)}\n`);
  });
}

/** Undefined for messages that are not the answer. */
function readAnswer(line: string): SignAnswer | WeftError | undefined {
  let message: ServerMessage;
  try {
    message = JSON.parse(line) as ServerMessage;
  } catch (thrown) {
    return new WeftError(
      'sign-unanswered',
      `the control plane's answer is not JSON: ${errorMessage(thrown)}`,
    );
  }
  if (message.type === 'error') return new WeftError(message.code, message.message);
  if (message.type !== 'signed') return undefined;
  return { chain: message.chain, roots: message.roots, nowMs: message.nowMs };
}
