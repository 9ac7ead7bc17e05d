import { type Problem, problem } from '../model/index.ts';
import type { Family } from './cidr.ts';
import { isOurs, jumpsToOurs, type Table, type Wanted } from './document.ts';
import type { FamilyPlan } from './plan.ts';
import { type Rule, ruleLine, type SavedRule, sameRule } from './rule.ts';

/** A table with rules as iptables-save printed them. */
export interface SavedTable extends Table {
  readonly rules: readonly SavedRule[];
}

const remedy = 'run weft-proxy init again';

/** What the tables lack of the plan, rule by rule, or have beyond it; empty when all of it is there. Warnings: see `shadows`. */
export function compare(
  plan: FamilyPlan,
  { nat, mangle }: { readonly nat: SavedTable; readonly mangle: SavedTable },
): readonly Problem[] {
  return [...compareTable(plan, nat), ...compareTable({ ...plan.mangle, family: plan.family }, mangle)];
}

type Compared = Wanted & { readonly family: Family };

function compareTable(wanted: Compared, table: SavedTable): readonly Problem[] {
  const problems: Problem[] = [];
  for (const chain of wanted.chains) {
    if (table.chains.includes(chain)) {
      const planned = wanted.rules.filter(rule => rule.chain === chain).map(ruleLine);
      const found = table.rules.filter(rule => rule.chain === chain).map(rule => rule.line);
      problems.push(...compareChain(wanted, chain, planned, found));
    } else {
      const message = `${wanted.family}: chain ${chain} is missing; ${remedy}`;
      problems.push(problem('redirect-missing', message, { path: chain }));
    }
  }
  for (const jump of wanted.jumps)
    problems.push(...compareJump(wanted, jump, table), ...shadows(jump, table));
  return problems;
}

function compareChain(
  wanted: Compared,
  chain: string,
  planned: readonly string[],
  found: readonly string[],
): readonly Problem[] {
  if (planned.length === found.length && planned.every((line, index) => sameRule(line, found[index]!)))
    return [];
  const report = (code: string, text: string): Problem => {
    return problem(code, `${wanted.family}: ${text}; ${remedy}`, { path: chain });
  };
  const left = [...found];
  const problems: Problem[] = [];
  for (const [index, line] of planned.entries()) {
    const at = left.findIndex(other => sameRule(other, line));
    if (at >= 0) left.splice(at, 1);
    else problems.push(report('redirect-missing', `rule ${index + 1} of ${chain} is missing: ${line}`));
  }
  for (const line of left)
    problems.push(report('redirect-unplanned', `${chain} has a rule too many: ${line}`));
  if (problems.length > 0) return problems;
  return [report('redirect-unplanned', `the rules of ${chain} are in another order than planned`)];
}

function compareJump(wanted: Compared, jump: Rule, table: SavedTable): readonly Problem[] {
  const line = ruleLine(jump);
  const jumps = jumpsToOurs(table) as readonly SavedRule[];
  const copies = jumps.filter(rule => sameRule(rule.line, line)).length;
  const others = jumps.filter(rule => rule.chain === jump.chain && !sameRule(rule.line, line));
  const report = (code: string, text: string): Problem => {
    return problem(code, `${wanted.family}: ${text}; ${remedy}`, { path: jump.chain });
  };
  const problems = others.map(rule =>
    report('redirect-unplanned', `${jump.chain} has a rule too many: ${rule.line}`),
  );
  if (copies === 0) problems.push(report('redirect-missing', `the rule is missing: ${line}`));
  if (copies > 1) problems.push(report('redirect-unplanned', `the rule is there ${copies} times: ${line}`));
  return problems;
}

/** Targets after which a packet goes on to the next rule. */
const passing = new Set(['', 'LOG', 'NFLOG', 'TRACE', 'MARK', 'CONNMARK', 'COUNTER']);

/**
 * Rules of others that stand before our jump and may take TCP away from it: they stay (they are not ours), but people must know.
 */
function shadows(jump: Rule, table: SavedTable): readonly Problem[] {
  const rules = table.rules.filter(rule => rule.chain === jump.chain);
  const ours = rules.findIndex(rule => isOurs(rule.target));
  const before = rules.slice(0, Math.max(ours, 0));
  const taking = before.filter(
    rule => !passing.has(rule.target) && !/ -p (udp|icmp|icmpv6|sctp) /.test(rule.line),
  );
  return taking.map(rule => {
    const message = `a rule of others comes first and may keep connections from the proxy: ${rule.line}`;
    return problem('redirect-shadowed', message, { path: jump.chain, severity: 'warning' });
  });
}

/** Chains by which the redirection of other meshes is known. */
const otherMeshes: readonly [RegExp, string][] = [
  [/^ISTIO_/, 'Istio'],
  [/^PROXY_INIT_/, 'Linkerd'],
  [/^CONSUL_(PROXY|DNS)_/, 'Consul'],
  [/^(KUMA_)?MESH_(IN|OUT)BOUND/, 'Kuma'],
  [/^APPMESH_/, 'App Mesh'],
];

/** Another mesh that redirects here too, with the rule that says so: two cannot share one pod. */
export function otherMesh(table: SavedTable): { readonly name: string; readonly line: string } | undefined {
  for (const { chain, target, line } of table.rules) {
    if (chain !== 'PREROUTING' && chain !== 'OUTPUT') continue;
    const known = otherMeshes.find(([pattern]) => pattern.test(target));
    if (known) return { name: known[1], line };
  }
  return undefined;
}
