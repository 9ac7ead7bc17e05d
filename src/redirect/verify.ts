import { WeftError } from '../errors/index.ts';
import { type Problem, problem } from '../model/index.ts';
import type { BackendState } from './backend.ts';
import { callersAreRouted } from './caller-routes.ts';
import { compare } from './compare.ts';
import { isOurs } from './document.ts';
import { backendsOf, formatBackend, type HostOptions, requireRights, runOf } from './host.ts';
import { readIpv6 } from './loopback.ts';
import type { FamilyPlan, Plan } from './plan.ts';

/** What verify found. */
export interface Verification {
  /** Whether every planned rule is in place; warnings do not count. */
  readonly ok: boolean;
  readonly problems: readonly Problem[];
}

/**
 * Whether the kernel has the plan, rule by rule; changes nothing. Needs NET_ADMIN, as reading packet rules does: a proxy that
 * has no capability asks `probe` instead. Throws WeftError when the rules cannot be read.
 */
export async function verify(plan: Plan, options: HostOptions = {}): Promise<Verification> {
  await requireRights(runOf(options));
  const problems: Problem[] = [];
  for (const family of plan.families) {
    problems.push(
      ...(family.family === 'ipv4'
        ? await verifyFamily(family, options)
        : await verifyIpv6(family, plan.settings.ipv6 === 'auto', options)),
    );
  }
  return { ok: problems.every(({ severity }) => severity === 'warning'), problems };
}

async function verifyIpv6(
  family: FamilyPlan,
  auto: boolean,
  options: HostOptions,
): Promise<readonly Problem[]> {
  const { enabled, reachable, missing } = await readIpv6(runOf(options));
  if (auto && !enabled) return [];
  let problems: readonly Problem[];
  try {
    problems = await verifyFamily(family, options);
  } catch (error) {
    // What apply skips, verify does not ask for.
    if (auto && !reachable && error instanceof WeftError) return [];
    throw error;
  }
  if (auto && !reachable && problems.some(({ code }) => code === 'redirect-absent')) return [];
  const lacking = missing.map(({ address }) => {
    const message = `ipv6: lo lacks the address ${address}, so the proxy cannot reach the app; run weft-proxy init again`;
    return problem('redirect-missing', message, { path: 'lo' });
  });
  return [...problems, ...lacking];
}

async function verifyFamily(family: FamilyPlan, options: HostOptions): Promise<readonly Problem[]> {
  const { chosen, all } = await backendsOf(options, family.family);
  const ours = (state: BackendState): boolean => state.tables?.nat.chains.some(isOurs) ?? false;
  const holders = all.filter(ours);
  const [first] = chosen.filter(ours);
  if (!first?.tables) {
    const where = all.map(state => formatBackend(state.backend)).join(' and ');
    const unread = all.flatMap(state =>
      state.failure === undefined ? [] : [`; could not be read: ${state.failure}`],
    );
    const message = `${family.family}: nothing is redirected: no chain of Weft in ${where}${unread.join('')}; run weft-proxy init`;
    return [problem('redirect-absent', message, { path: family.family })];
  }
  const problems = [...compare(family, first.tables)];
  if (family.routesCallers && !(await callersAreRouted(runOf(options), family.family))) {
    const message = `${family.family}: what the app answers its clients is not routed to the proxy (ip rule, ip route); run weft-proxy init again`;
    problems.push(problem('redirect-missing', message, { path: family.family }));
  }
  if (holders.length > 1) {
    const where = holders.map(state => formatBackend(state.backend)).join(' and ');
    const message = `${family.family}: rules of Weft are in both ${where}; run weft-proxy init again`;
    problems.push(problem('redirect-unplanned', message, { path: family.family }));
  }
  return problems;
}
