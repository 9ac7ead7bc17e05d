import { WeftError } from '../errors/index.ts';
import type { Family } from './cidr.ts';
import { isOurs } from './document.ts';
import type { Run, RunResult } from './run.ts';
import { parseSave, type SavedTables } from './save.ts';

/** The kernel has two sets of packet rules, each with its own iptables command. A rule in either has effect. */
export type BackendName = 'nft' | 'legacy';

/** An iptables that is installed. */
export interface Backend {
  readonly name: BackendName;
  readonly family: Family;
  /** `iptables-nft`, `ip6tables-legacy`, or `iptables` where there is only that; `-save` and `-restore` belong to it. */
  readonly command: string;
}

/** A backend with what it holds now, or why it cannot be read. */
export interface BackendState {
  readonly backend: Backend;
  readonly tables?: SavedTables;
  /** What the command said when it failed. */
  readonly failure?: string;
}

/**
 * The installed backends of one family with their rules, best first: the one that has our rules, then the one that has
 * anybody's rules, then `preferred`, then nft.
 * The legacy tables are read all at once: asking for `-t nat` would make the kernel create it (istio/istio issue 61020).
 *
 * Throws WeftError `redirect-no-iptables` when there is none.
 */
export async function findBackends(
  run: Run,
  family: Family,
  preferred: BackendName = 'nft',
): Promise<readonly BackendState[]> {
  const installed = new Map<BackendName, Backend>();
  const base = family === 'ipv4' ? 'iptables' : 'ip6tables';
  const commands = [`${base}-nft`, `${base}-legacy`, base];
  const versions = await Promise.all(commands.map(command => run(`${command}-restore`, ['--version'])));
  for (const [index, { missing, code, stdout }] of versions.entries()) {
    if (missing || code !== 0) continue;
    const name = stdout.includes('nf_tables') ? 'nft' : 'legacy';
    if (!installed.has(name)) installed.set(name, { name, family, command: commands[index]! });
  }
  if (installed.size === 0) throw noIptables(base);
  const states = await Promise.all(Array.from(installed.values(), backend => readBackend(run, backend)));
  const score = (state: BackendState): number => {
    if (!state.tables) return 0;
    const { nat, foreignRules } = state.tables;
    const reason = nat.chains.some(isOurs) ? 4 : foreignRules > 0 ? 2 : 0;
    return 1 + 2 * reason + (state.backend.name === preferred ? 1 : 0);
  };
  return states.sort((a, b) => score(b) - score(a));
}

/** Reads what a backend holds now. */
export async function readBackend(run: Run, backend: Backend): Promise<BackendState> {
  const saved = await run(`${backend.command}-save`, []);
  if (saved.code !== 0) return { backend, failure: said(saved) };
  return { backend, tables: parseSave(saved.stdout) };
}

/** Hands a document to iptables-restore; all of it takes effect, or nothing. Undefined when it went well, else what it said. */
export async function restore(run: Run, backend: Backend, document: string): Promise<string | undefined> {
  const result = await run(`${backend.command}-restore`, ['--noflush', '--wait=30'], document);
  return result.code === 0 ? undefined : said(result);
}

/** Whether this is what iptables says when the kernel has no such table, match or target, so that the other backend may work. */
export function isUnsupported(message: string): boolean {
  return /table does not exist|do you need to insmod|missing kernel module|not supported|RULE_APPEND failed|CHAIN_ADD failed|no chain\/target\/match by that name|couldn't load (match|target)|unable to initialize table|failed to initialize nft|is incompatible, use 'nft' tool|failed to list table names/i.test(
    message,
  );
}

/** What one backend answered when it was asked to apply. */
export interface Failure {
  readonly backend: Backend;
  readonly message: string;
}

/** The error for what the backends of a family said, one after the other; its message ends with the remedy. */
export function restoreError(failures: readonly Failure[]): WeftError {
  const what = failures.map(({ backend, message }) => `${backend.command}: ${message}`).join('; ');
  if (/xtables\.lock/.test(what)) {
    const remedy = 'mount an emptyDir on /run in the init container, whose root file system is read-only';
    return new WeftError('redirect-lock', `${what}; ${remedy}`, { source: 'config' });
  }
  if (/permission denied|operation not permitted|must be root/i.test(what)) return notPermitted(what);
  if (isUnsupported(what)) {
    const remedy =
      'the kernel lacks the nat table, the matches "owner" or "comment", or the target REDIRECT: ' +
      'load nf_nat, xt_owner, xt_comment and xt_REDIRECT on the node, or use explicit mode';
    return new WeftError('redirect-unsupported-kernel', `${what}; ${remedy}`);
  }
  return new WeftError('redirect-failed', `${what}; see the planned rules with weft-proxy init --dry-run`);
}

/** The error for missing rights. */
export function notPermitted(what: string): WeftError {
  const remedy =
    'run it as root with the capabilities NET_ADMIN and NET_RAW (a pod says so in its init container, ' +
    'securityContext.capabilities.add), or use explicit mode, which needs no packet rules';
  return new WeftError('redirect-not-permitted', `${what}; ${remedy}`, { source: 'config' });
}

function noIptables(base: string): WeftError {
  const message = `no ${base} is installed; install the package iptables (1.8 or newer), or use explicit mode`;
  return new WeftError('redirect-no-iptables', message, { source: 'config' });
}

function said(result: RunResult): string {
  const lines = `${result.stderr}\n${result.stdout}`.split('\n').map(line => line.trim());
  const telling = lines.filter(line => line !== '' && !/^(try `|# )/i.test(line));
  return telling.slice(0, 4).join(' ') || `exit code ${result.code ?? 'unknown'}`;
}
