import { WeftError } from '../errors/index.ts';
import { clear } from './apply.ts';
import { type BackendState, restoreError } from './backend.ts';
import type { Family } from './cidr.ts';
import { backendsOf, type FamilyOutcome, type HostOptions, requireRights, runOf } from './host.ts';
import { LOOPBACK_SOURCES, readIpv6, removeLoopbackSource } from './loopback.ts';

/**
 * Takes away everything that any apply, of this or another version and with whatever options, brought: rules, chains, and `::6`
 * and `::7` on lo if we added them. What others have stays as it was; the built-in chains of the nat table, empty if nobody
 * else uses them, stay too. Undoing twice is no error. Throws WeftError like apply.
 */
export async function undo(options: HostOptions = {}): Promise<readonly FamilyOutcome[]> {
  await requireRights(runOf(options));
  return [await undoFamily('ipv4', options), await undoFamily('ipv6', options)];
}

async function undoFamily(family: Family, options: HostOptions): Promise<FamilyOutcome> {
  const run = runOf(options);
  let states: readonly BackendState[];
  try {
    states = (await backendsOf(options, family)).chosen;
  } catch (error) {
    if (!(error instanceof WeftError) || family === 'ipv4') throw error;
    return { family, result: 'skipped', notices: [error.message] };
  }
  const failures = states.flatMap(({ backend, failure }) =>
    failure === undefined ? [] : [{ backend, message: failure }],
  );
  if (failures.length === states.length && failures.length > 0) {
    const error = restoreError(failures);
    if (family === 'ipv4') throw error;
    return { family, result: 'skipped', notices: [error.message] };
  }
  const removed: BackendState[] = [];
  for (const state of states) if (await clear(run, state)) removed.push(state);
  const marks = removed.flatMap(state => state.tables?.nat.chains ?? []);
  const ours = LOOPBACK_SOURCES.filter(({ chain }) => marks.includes(chain));
  if (ours.length > 0) {
    const { missing } = await readIpv6(run);
    for (const source of ours) if (!missing.includes(source)) await removeLoopbackSource(run, source);
  }
  const backend = removed[0]?.backend.name;
  return { family, result: backend === undefined ? 'absent' : 'removed', backend, notices: [] };
}
