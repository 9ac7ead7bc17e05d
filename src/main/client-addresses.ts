// What a proxy needs to call its app from clients' own addresses.
import { networkInterfaces } from 'node:os';
import { PROXY_UID } from '../config/names.ts';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { WeftError } from '../errors/index.ts';
import { keepForeignRight, loadForeignSource } from '../wire/index.ts';

/**
 * Where apps are to see their clients' addresses: becomes the proxy's own user, which packet rules know it by, with the one right
 * that this takes, and gives this machine's own addresses. Undefined where they are not. Before threads are started, which
 * inherit what this one has. Throws WeftError `bad-configuration` without the right to do so.
 */
export function takeClientAddresses({
  clientAddresses,
  redirected,
  pod,
}: Pick<ProxyConfig, 'clientAddresses' | 'redirected' | 'pod'>): ReadonlySet<string> | undefined {
  if (clientAddresses === 'replace') return undefined;
  if (!redirected) throw refused('it needs packet rules; leave --no-redirect out');
  loadForeignSource();
  let mayUse: boolean;
  try {
    mayUse = keepForeignRight(PROXY_UID);
  } catch {
    throw refused('it may not become its own user; give it the capabilities SETUID and SETGID');
  }
  if (!mayUse) throw refused('it needs root with the capabilities NET_RAW, SETUID and SETGID to start with');
  const own = Object.values(networkInterfaces()).flatMap(each => (each ?? []).map(({ address }) => address));
  return new Set([...own, ...pod.addresses]);
}

function refused(why: string): WeftError {
  return new WeftError('bad-configuration', `--client-addresses keep: ${why}`, { source: 'config' });
}
