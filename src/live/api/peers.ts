import { request as httpsRequest } from 'node:https';
import { guarded } from '../../errors/index.ts';
import { principalOf } from '../../identity/index.ts';

/** Another replica of the control plane. */
export interface Peer {
  /** Its pod, for people. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** How a replica proves itself to another, and knows it. */
export interface PeerCredentials {
  readonly keyPem: string;
  readonly chainPem: string;
  /** PEM of the mesh's roots. */
  readonly roots: readonly string[];
  /** Whether a SPIFFE id is that of a replica. */
  readonly isReplica: (principal: string | undefined) => boolean;
}

/** A longer line of a replica ends what it says. */
const maxLineLength = 4 << 20;
const connectMs = 5_000;

/**
 * Asks another replica what a person asked this one, and hands on each line that it answers. `over` is called once, with the
 * reason where it did not answer to the end. Ends when the signal aborts.
 */
export function askPeer(
  peer: Peer,
  path: string,
  { keyPem, chainPem, roots, isReplica }: PeerCredentials,
  line: (text: string) => void,
  over: (why?: string) => void,
  signal: AbortSignal,
): void {
  let ended = false;
  const end = (why?: string): void => {
    if (ended) return;
    ended = true;
    request.destroy();
    over(why);
  };
  const request = httpsRequest({
    ...{ host: peer.host, port: peer.port, path, signal, agent: false },
    ...{ key: keyPem, cert: chainPem, ca: [...roots], minVersion: 'TLSv1.2', timeout: connectMs },
    checkServerIdentity: (_host, certificate) =>
      isReplica(principalOf(certificate.raw))
        ? undefined
        : new Error('it is no replica of this control plane'),
  });
  // Until it answers; then lines come at least as often as a stream says that it is alive.
  request.on('timeout', () => request.destroy(new Error('no answer in time')));
  request.on(
    'error',
    guarded('live.peer', (error: Error) => end(error.message)),
  );
  request.on(
    'response',
    guarded('live.peer', response => {
      request.setTimeout(0);
      if (response.statusCode !== 200) {
        end(`it answered with status ${response.statusCode}`);
        return;
      }
      let rest = '';
      response.setEncoding('utf8');
      response.on(
        'data',
        guarded('live.peer', (chunk: string) => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop()!;
          if (rest.length > maxLineLength) end('it sent a line that is too long');
          else for (const text of lines) line(text);
        }),
      );
      response.on(
        'close',
        guarded('live.peer', () => end(response.complete ? undefined : 'the connection to it broke')),
      );
    }),
  );
  request.end();
}
