import { type Rule, ruleLine, type SavedRule, sameRule } from './rule.ts';

/** A table as iptables-save showed it. */
export interface Table {
  /** Chains that users made (no PREROUTING, INPUT, OUTPUT, POSTROUTING). */
  readonly chains: readonly string[];
  readonly rules: readonly (Rule | SavedRule)[];
}

/** The tables that we write into. */
export interface Tables {
  readonly nat: Table;
  readonly mangle: Table;
}

/** What a table shall have of ours. */
export interface Wanted {
  readonly chains: readonly string[];
  readonly rules: readonly Rule[];
  readonly jumps: readonly Rule[];
}

/** Whether a chain is Weft's, of whatever version. */
export function isOurs(chain: string): boolean {
  return chain.startsWith('WEFT_');
}

/** The rules that lead from chains of others into ours. */
export function jumpsToOurs(table: Table): readonly (Rule | SavedRule)[] {
  return table.rules.filter(rule => !isOurs(rule.chain) && isOurs(targetOf(rule)));
}

/** applyDocument of both tables; the mangle table is only named where it has, or shall have, something of ours. */
export function applyDocuments(wanted: Wanted & { readonly mangle: Wanted }, current: Tables): string {
  const { mangle } = wanted;
  const named = mangle.chains.length > 0 || current.mangle.chains.some(isOurs);
  const nat = tableDocument('nat', applyLines(wanted, current.nat));
  return named ? `${nat}${tableDocument('mangle', applyLines(mangle, current.mangle))}` : nat;
}

/** The same of undoDocument. */
export function undoDocuments({ nat, mangle }: Tables): string {
  const lines = undoLines(mangle);
  return tableDocument('nat', undoLines(nat)) + (lines.length > 0 ? tableDocument('mangle', lines) : '');
}

/**
 * Lines for `iptables-restore --noflush` that turn `current` into what is wanted, in one transaction: our chains are
 * made or emptied and filled, chains of an older Weft go, jumps that are there once stay where they are, and what is not ours is
 * not named. Applied twice it changes nothing.
 */
function applyLines(wanted: Wanted, current: Table): readonly string[] {
  const stale = current.chains.filter(chain => isOurs(chain) && !wanted.chains.includes(chain));
  const surplus: string[] = [];
  const missing = new Set(wanted.jumps);
  for (const jump of jumpsToOurs(current)) {
    const match = wanted.jumps.find(one => missing.has(one) && sameRule(lineOf(one), lineOf(jump)));
    if (match) missing.delete(match);
    else surplus.push(deletion(jump));
  }
  return [
    ...[...wanted.chains, ...stale].map(emptyChain),
    ...surplus,
    ...stale.map(chain => `-X ${chain}`),
    ...wanted.rules.map(ruleLine),
    ...wanted.jumps.filter(jump => missing.has(jump)).map(ruleLine),
  ];
}

/** Lines for `iptables-restore --noflush` that take everything of ours out of `current`, and nothing else. */
function undoLines(current: Table): readonly string[] {
  const ours = current.chains.filter(isOurs);
  return [
    ...ours.map(emptyChain),
    ...jumpsToOurs(current).map(deletion),
    ...ours.map(chain => `-X ${chain}`),
  ];
}

function lineOf(rule: Rule | SavedRule): string {
  return 'line' in rule ? rule.line : ruleLine(rule);
}

function targetOf(rule: Rule | SavedRule): string {
  return typeof rule.target === 'string' ? rule.target : (rule.target[0] ?? '');
}

/** Deletes the first rule that says this; every copy brings its own deletion. */
function deletion(rule: Rule | SavedRule): string {
  return lineOf(rule).replace(/^-A /, '-D ');
}

/** With --noflush this line makes the chain, or empties it when it is there. */
function emptyChain(chain: string): string {
  return `:${chain} - [0:0]`;
}

function tableDocument(table: keyof Tables, lines: readonly string[]): string {
  return `*${table}\n${lines.map(line => `${line}\n`).join('')}COMMIT\n`;
}
