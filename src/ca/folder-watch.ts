import { createHash } from 'node:crypto';
import type { Clock } from '../time/index.ts';
import { readAuthorityRecord, readRevocations } from './authority-folder.ts';
import type { LiveAuthority } from './live-authority.ts';
import type { RevocationList } from './revocations.ts';

/** What is followed, and how. */
export interface FolderWatchOptions {
  readonly folder: string;
  readonly live: LiveAuthority;
  readonly revocations?: RevocationList;
  readonly clock: Clock;
  /** Between looks; 2 s unless told. The kubelet swaps mounted files whole, which no file watch of every kernel tells of. */
  readonly everyMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Follows an authority's folder: what is put there is used without a restart, and what cannot be used is a problem while the one
 * before stays. Returns how to look at once (SIGHUP).
 */
export function followFolder({
  folder,
  live,
  clock,
  everyMs = 2_000,
  ...rest
}: FolderWatchOptions): () => Promise<void> {
  const { signal, revocations } = rest;
  let before = '';
  let looking: Promise<void> | undefined;
  const read = async (): Promise<void> => {
    const record = await readAuthorityRecord(folder);
    const revoked = await readRevocations(folder);
    const digest = createHash('sha256')
      .update(JSON.stringify([record, String(record), revoked]))
      .digest('hex');
    if (signal.aborted || digest === before) return;
    before = digest;
    live.offer(record, `the folder ${folder}`);
    revocations?.offer(revoked, `${folder}/revoked.json`);
  };
  const look = (): Promise<void> => {
    looking ??= read().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  signal.addEventListener(
    'abort',
    clock.every(everyMs, () => void look()),
    { once: true },
  );
  void look();
  return look;
}
