import type { ProgramMessage } from './protocol.ts';
import type { DiscoveryServerOptions } from './server.interface.ts';

/** With so many bytes waiting in the socket no program is given. */
const mostWaitingBytes = 4 << 20;

/**
 * What a proxy gets that asks for a program. It is a megabyte: one that asks for more before the last has been read, so that
 * `waitingBytes` have not left yet, is told to wait.
 */
export function programAnswer(
  digest: string,
  waitingBytes: number,
  { program }: Pick<DiscoveryServerOptions, 'program'>,
): ProgramMessage {
  const busy = waitingBytes > mostWaitingBytes;
  const bytes = busy ? undefined : program?.(digest);
  if (bytes !== undefined) return { type: 'program', digest, bytes };
  const busyWords = 'too much waits for this proxy; ask again later';
  return { type: 'program', digest, error: busy ? busyWords : 'it has no program of this digest' };
}
