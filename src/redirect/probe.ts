import { connect, createServer, type Server } from 'node:net';
import { errorMessage } from '../errors/index.ts';
import { formatAddress, type HostPort, isIpv6, type Problem, problem } from '../model/index.ts';
import { PROBE_PORT } from './plan.ts';

/** What the inbound listener writes to a self-test before it closes the connection. */
export const PROBE_ANSWER = 'weft: redirected\n';

/**
 * Whether a connection that the inbound listener accepted is the pod's own self-test: write PROBE_ANSWER and close it. From
 * elsewhere the same port is ordinary traffic. Addresses are IP literals in the same spelling.
 */
export function isProbe(originalDestination: HostPort, remoteAddress: string): boolean {
  return originalDestination.port === PROBE_PORT && originalDestination.host === remoteAddress;
}

/**
 * Whether the redirection of this pod works, found out without any capability: connects to the pod's own address on PROBE_PORT,
 * where nothing listens, and expects the inbound listener to answer. Must run with the proxy's uid, and with an inbound listener
 * that knows `isProbe` (or answerProbes). It sees the OUTPUT side of the rules; as they are applied in one transaction, the
 * rest is there too. Undefined when all is well.
 */
export function probe(podAddress: string, timeoutMs = 2000): Promise<Problem | undefined> {
  return new Promise(resolve => {
    const where = formatAddress(podAddress, PROBE_PORT);
    const socket = connect({ host: podAddress, port: PROBE_PORT });
    let answer = '';
    const end = (why?: string): void => {
      socket.destroy();
      const message = `the redirection of ${podAddress} is not in place: ${why}; did weft-proxy init run in this pod?`;
      resolve(
        why === undefined ? undefined : problem('redirect-probe-failed', message, { path: podAddress }),
      );
    };
    socket.setEncoding('latin1');
    socket.setTimeout(timeoutMs, () => end(`${where} did not answer within ${timeoutMs} ms`));
    socket.on('error', error => end(errorMessage(error)));
    socket.on('data', (text: string) => {
      answer += text;
      if (answer === PROBE_ANSWER) end();
      else if (!PROBE_ANSWER.startsWith(answer)) end(`something else than the proxy answers on ${where}`);
    });
    socket.on('end', () => end(`${where} closed the connection without the proxy's answer`));
  });
}

/**
 * Listens where redirected connections of this pod arrive and answers self-tests, for when no proxy runs yet. Undefined when the
 * port is taken, by the proxy most likely. The caller closes the server.
 */
export function answerProbes(podAddress: string, inboundPort: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => {
      socket.on('error', () => {});
      socket.end(PROBE_ANSWER);
    });
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    // REDIRECT sends what the machine itself sends to loopback.
    const host = isIpv6(podAddress) ? '::1' : '127.0.0.1';
    server.listen({ port: inboundPort, host }, () => resolve(server));
  });
}
