// Where packets with the mark of callers' connections go: to lo, whatever address they are for.
import { WeftError } from '../errors/index.ts';
import { notPermitted } from './backend.ts';
import type { Family } from './cidr.ts';
import { CALLER_MARK } from './plan.ts';
import type { Run } from './run.ts';

const { mark, table } = CALLER_MARK;
const rule = ['fwmark', mark, 'lookup', table];
const route = ['local', 'default', 'dev', 'lo', 'table', table];

/**
 * Whether the rule is there. What the route is missing for, the kernel has nowhere to send and says so when it is added again.
 */
export async function callersAreRouted(run: Run, family: Family): Promise<boolean> {
  const shown = await run('ip', [flag(family), 'rule', 'show']);
  const isThere = new RegExp(`fwmark ${mark}(/0x[0-9a-f]+)? lookup ${table}\\b`).test(shown.stdout);
  if (!isThere) return false;
  const routes = await run('ip', [flag(family), 'route', 'show', 'table', table]);
  return /local (default|0\.0\.0\.0\/0|::\/0) dev lo/.test(routes.stdout);
}

/** Makes what carries the mark stay in the pod; nothing where it does already. Throws WeftError when that does not work. */
export async function routeCallers(run: Run, family: Family): Promise<void> {
  if (await callersAreRouted(run, family)) return;
  await unrouteCallers(run, family);
  for (const words of [
    ['route', 'add', ...route],
    ['rule', 'add', ...rule],
  ]) {
    const { code, stderr, missing } = await run('ip', [flag(family), ...words]);
    if (code === 0) continue;
    const what = `clients' addresses cannot be kept: ip ${words.join(' ')}: ${stderr.trim()}`;
    await unrouteCallers(run, family);
    if (missing) {
      const message = `${what}; install the package iproute2, or leave weft.dev/client-addresses out`;
      throw new WeftError('redirect-no-iproute2', message, { source: 'config' });
    }
    if (/operation not permitted/i.test(stderr)) throw notPermitted(what);
    throw new WeftError('redirect-failed', `${what}; does the kernel have policy routing?`);
  }
}

/** Takes that away; it is no error when it is not there. */
export async function unrouteCallers(run: Run, family: Family): Promise<void> {
  await run('ip', [flag(family), 'rule', 'del', ...rule]);
  await run('ip', [flag(family), 'route', 'flush', 'table', table]);
}

function flag(family: Family): string {
  return family === 'ipv4' ? '-4' : '-6';
}
