import { WeftError } from '../errors/index.ts';
import type { AdminReply } from './http-server.ts';

const maxSeconds = 300;

/**
 * A CPU profile of the next `seconds`, to be opened in Chrome's developer tools or speedscope. The inspector loads only for this.
 */
export async function cpuProfile(seconds: number): Promise<AdminReply> {
  if (!(seconds > 0 && seconds <= maxSeconds)) {
    throw new WeftError('bad-profile-time', `seconds must be above 0 and at most ${maxSeconds}`);
  }
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await new Promise(resolve => setTimeout(resolve, seconds * 1000));
    const { profile } = await session.post('Profiler.stop');
    return { status: 200, contentType: 'application/json', body: JSON.stringify(profile) };
  } finally {
    session.disconnect();
  }
}

/** A heap snapshot, for Chrome's developer tools. The proxy stands still while it is taken. */
export async function heapSnapshot(): Promise<AdminReply> {
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  const chunks: string[] = [];
  session.connect();
  session.on('HeapProfiler.addHeapSnapshotChunk', message => chunks.push(message.params.chunk));
  try {
    await session.post('HeapProfiler.takeHeapSnapshot');
    return { status: 200, contentType: 'application/json', body: '', pieces: chunks };
  } finally {
    session.disconnect();
  }
}
