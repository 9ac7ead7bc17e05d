import type { SavedNat } from './compare.ts';
import { isOurs } from './document.ts';
import { parseSavedRule, type SavedRule } from './rule.ts';

/** What iptables-save printed, as far as it matters here. */
export interface SavedTables {
  readonly nat: SavedNat;
  /** Rules of all tables that are not in our chains and do not lead there. */
  readonly foreignRules: number;
}

/** Reads the output of iptables-save. Never throws: lines it does not know are passed over. */
export function parseSave(text: string): SavedTables {
  const chains: string[] = [];
  const rules: SavedRule[] = [];
  let table = '';
  let foreignRules = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const chain = /^:(\S+) - /.exec(line)?.[1];
    if (chain !== undefined && table === 'nat') chains.push(chain);
    const rule = parseSavedRule(line);
    if (!rule) continue;
    if (!isOurs(rule.chain) && !isOurs(rule.target)) foreignRules++;
    if (table === 'nat') rules.push(rule);
  }
  return { nat: { chains, rules }, foreignRules };
}
