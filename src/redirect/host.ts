import { type Backend, type BackendName, type BackendState, findBackends, notPermitted } from './backend.ts';
import type { Family } from './cidr.ts';
import { type Run, systemRun } from './run.ts';

/** Where rules are applied, and with what. */
export interface HostOptions {
  /** This machine and its network namespace unless told; see systemRun for others. */
  readonly run?: Run;
  /** `auto`, the default: the backend that has rules already, else nft, else legacy. */
  readonly backend?: BackendName | 'auto';
}

/** What happened to one family. */
export interface FamilyOutcome {
  readonly family: Family;
  /**
   * `applied`: rules were written; `unchanged`: they were there; `removed`, `absent`: the same for undo; `skipped`: see notices.
   */
  readonly result: 'applied' | 'unchanged' | 'removed' | 'absent' | 'skipped';
  readonly backend?: BackendName;
  /** Lowercase sentences that people should read. */
  readonly notices: readonly string[];
}

/** The runner of these options. */
export function runOf(options: HostOptions): Run {
  return options.run ?? systemRun();
}

/** findBackends, kept to the one that was asked for. */
export async function backendsOf(
  options: HostOptions,
  family: Family,
  preferred?: BackendName,
): Promise<{ readonly chosen: readonly BackendState[]; readonly all: readonly BackendState[] }> {
  const { backend = 'auto' } = options;
  const all = await findBackends(runOf(options), family, preferred);
  const chosen = backend === 'auto' ? all : all.filter(state => state.backend.name === backend);
  return { chosen, all };
}

/** `iptables-nft (ipv4)` */
export function formatBackend(backend: Backend): string {
  return `${backend.command} (${backend.family})`;
}

/** Bit of CAP_NET_ADMIN, capability.h. */
const netAdmin = 1n << 12n;

/** Throws WeftError `redirect-not-permitted` when this process may neither read nor write packet rules. */
export async function requireRights(run: Run): Promise<void> {
  const status = await run('cat', ['/proc/self/status']);
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status.stdout)?.[1];
  if (effective === undefined || (BigInt(`0x${effective}`) & netAdmin) !== 0n) return;
  throw notPermitted('this process may not read or write packet rules: it lacks the capability NET_ADMIN');
}
