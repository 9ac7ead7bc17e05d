import type { SavedTable } from './compare.ts';
import { isOurs } from './document.ts';
import { parseSavedRule, type SavedRule } from './rule.ts';

/** What iptables-save printed, as far as it matters here. */
export interface SavedTables {
  readonly nat: SavedTable;
  readonly mangle: SavedTable;
  /** Rules of all tables that are not in our chains and do not lead there. */
  readonly foreignRules: number;
}

/** Reads the output of iptables-save. Never throws: lines it does not know are passed over. */
export function parseSave(text: string): SavedTables {
  const ours = { nat: empty(), mangle: empty() };
  let table = '';
  let foreignRules = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const chain = /^:(\S+) - /.exec(line)?.[1];
    const known = table === 'nat' || table === 'mangle' ? ours[table] : undefined;
    if (chain !== undefined) known?.chains.push(chain);
    const rule = parseSavedRule(line);
    if (!rule) continue;
    if (!isOurs(rule.chain) && !isOurs(rule.target)) foreignRules++;
    known?.rules.push(rule);
  }
  return { ...ours, foreignRules };
}

function empty(): { readonly chains: string[]; readonly rules: SavedRule[] } {
  return { chains: [], rules: [] };
}
