import { WeftError } from '../errors/index.ts';
import {
  type BackendName,
  type BackendState,
  type Failure,
  isUnsupported,
  readBackend,
  restore,
  restoreError,
} from './backend.ts';
import { routeCallers, unrouteCallers } from './caller-routes.ts';
import { compare, otherMesh } from './compare.ts';
import { applyDocuments, isOurs, type Table, undoDocuments } from './document.ts';
import {
  backendsOf,
  type FamilyOutcome,
  formatBackend,
  type HostOptions,
  requireRights,
  runOf,
} from './host.ts';
import { addLoopbackSource, LOOPBACK_SOURCES, readIpv6, removeLoopbackSource } from './loopback.ts';
import type { FamilyPlan, Plan } from './plan.ts';
import type { Run } from './run.ts';

type Rollback = () => Promise<unknown>;

/**
 * Brings the plan into the kernel, each family in one transaction, and reads it back. Applying again changes nothing. When one
 * family fails, what this call brought to the other one is taken back, so that a pod is never half redirected.
 *
 * Throws WeftError: `redirect-not-permitted`, `redirect-no-iptables`, `redirect-no-iproute2`, `redirect-unsupported-kernel`,
 * `redirect-lock`, `redirect-conflict`, `redirect-no-backend`, `redirect-not-applied`, `redirect-failed`.
 */
export async function apply(plan: Plan, options: HostOptions = {}): Promise<readonly FamilyOutcome[]> {
  await requireRights(runOf(options));
  const outcomes: FamilyOutcome[] = [];
  const rollbacks: Rollback[] = [];
  try {
    for (const family of plan.families) {
      const preferred = outcomes[0]?.backend;
      outcomes.push(
        family.family === 'ipv4'
          ? await applyFamily(family, options, rollbacks, preferred)
          : await applyIpv6(family, plan, options, rollbacks, preferred),
      );
    }
  } catch (error) {
    await rollBack(rollbacks);
    throw error;
  }
  return outcomes;
}

/** IPv6 is skipped with a notice where it is off, or where the kernel cannot do it and no address could be reached anyway. */
async function applyIpv6(
  family: FamilyPlan,
  plan: Plan,
  options: HostOptions,
  rollbacks: Rollback[],
  preferred: BackendName | undefined,
): Promise<FamilyOutcome> {
  const run = runOf(options);
  const state = await readIpv6(run);
  const skipped = (why: string): FamilyOutcome => ({ family: 'ipv6', result: 'skipped', notices: [why] });
  if (!state.enabled) {
    if (plan.settings.ipv6 === 'auto') return skipped('ipv6 is switched off here, so its rules are left out');
    const message =
      'ipv6 is switched off here; switch it on (net.ipv6.conf.all.disable_ipv6=0) or leave --ipv6 at auto';
    throw new WeftError('redirect-no-ipv6', message, { source: 'config' });
  }
  const own: Rollback[] = [];
  try {
    for (const source of state.missing) {
      await addLoopbackSource(run, source);
      own.push(() => removeLoopbackSource(run, source));
    }
    const added = state.missing.map(({ chain }) => chain);
    const outcome = await applyFamily(family, options, own, preferred, added);
    rollbacks.push(...own);
    return outcome;
  } catch (error) {
    await rollBack(own);
    const lacking = error instanceof WeftError && unavailable.has(error.code);
    if (!lacking || plan.settings.ipv6 !== 'auto' || state.reachable) throw error;
    return skipped(
      `the rules for ipv6 are left out, because this pod has no ipv6 address that others reach, and ${error.message}`,
    );
  }
}

/** What failed first is what people must read, so a step that cannot be taken back says nothing. */
async function rollBack(steps: readonly Rollback[]): Promise<void> {
  for (const step of steps.toReversed()) await step().catch(() => undefined);
}

const unavailable = new Set(['redirect-no-iptables', 'redirect-no-iproute2', 'redirect-unsupported-kernel']);

async function applyFamily(
  family: FamilyPlan,
  options: HostOptions,
  rollbacks: Rollback[],
  preferred: BackendName | undefined,
  marks: readonly string[] = [],
): Promise<FamilyOutcome> {
  const run = runOf(options);
  const { chosen, all } = await backendsOf(options, family.family, preferred);
  refuseOtherMesh(all);
  const failures: Failure[] = [];
  for (const state of chosen) {
    const written = await write(family, state, run, marks);
    if ('failure' in written) {
      failures.push({ backend: state.backend, message: written.failure });
      if (state.tables && !isUnsupported(written.failure)) break;
      continue;
    }
    if (!all.some(one => one.tables?.nat.chains.some(isOurs))) rollbacks.push(() => clear(run, state));
    await verifyWritten(family, state, run);
    if (family.routesCallers) await routeCallers(run, family.family);
    else if (state.tables?.mangle.chains.some(isOurs)) await unrouteCallers(run, family.family);
    const notices = failures.map(one => `${formatBackend(one.backend)} does not work here: ${one.message}`);
    for (const other of all) {
      if (other === state || !(await clear(run, other))) continue;
      notices.push(`rules of an earlier run were removed from ${formatBackend(other.backend)}`);
    }
    return { family: family.family, result: written.result, backend: state.backend.name, notices };
  }
  if (failures.length > 0) throw restoreError(failures);
  const message = `the ${options.backend} backend was asked for, but its iptables is not installed; use --backend auto`;
  throw new WeftError('redirect-no-backend', message, { source: 'config' });
}

/** Makes the backend hold the plan, and the empty chains `marks`; `failure` is what iptables said. */
async function write(
  family: FamilyPlan,
  state: BackendState,
  run: Run,
  marks: readonly string[],
): Promise<{ readonly result: 'applied' | 'unchanged' } | { readonly failure: string }> {
  if (!state.tables) return { failure: state.failure ?? 'its rules cannot be read' };
  const { nat, mangle } = state.tables;
  const known = LOOPBACK_SOURCES.map(({ chain }) => chain);
  const kept = known.filter(chain => marks.includes(chain) || nat.chains.includes(chain));
  const chains = [...family.chains, ...kept];
  const complete =
    chains.every(chain => nat.chains.includes(chain)) &&
    nat.chains.filter(isOurs).length === chains.length &&
    nothingStale(family, mangle) &&
    compare(family, state.tables).every(({ severity }) => severity === 'warning');
  if (complete) return { result: 'unchanged' };
  const failure = await restore(run, state.backend, applyDocuments({ ...family, chains }, state.tables));
  return failure === undefined ? { result: 'applied' } : { failure };
}

function nothingStale({ mangle }: FamilyPlan, table: Table): boolean {
  return table.chains.filter(isOurs).every(chain => mangle.chains.includes(chain));
}

async function verifyWritten(family: FamilyPlan, state: BackendState, run: Run): Promise<void> {
  const after = await readBackend(run, state.backend);
  const problems = after.tables ? compare(family, after.tables) : [];
  const errors = problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
  if (after.failure !== undefined) errors.push(`the rules could not be read back: ${after.failure}`);
  if (errors.length === 0) return;
  const what = `${formatBackend(state.backend)} took the rules, but not all of them are there`;
  throw new WeftError('redirect-not-applied', `${what}: ${errors.join('; ')}`);
}

function refuseOtherMesh(states: readonly BackendState[]): void {
  for (const { tables } of states) {
    const other = tables && otherMesh(tables.nat);
    if (!other) continue;
    const message = `${other.name} redirects this pod already (${other.line}); two meshes cannot share a pod: switch off one of them for it`;
    throw new WeftError('redirect-conflict', message, { source: 'config' });
  }
}

/** Takes everything of ours out of one backend; whether there was something. Throws when iptables refuses. */
export async function clear(run: Run, state: BackendState): Promise<boolean> {
  const { tables } = await readBackend(run, state.backend);
  if (!tables?.nat.chains.some(isOurs)) return false;
  const { family } = state.backend;
  if (tables.mangle.chains.some(isOurs)) await unrouteCallers(run, family);
  const message = await restore(run, state.backend, undoDocuments(tables));
  if (message !== undefined) throw restoreError([{ backend: state.backend, message }]);
  return true;
}
