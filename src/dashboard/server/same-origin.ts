import type { IncomingMessage } from 'node:http';
import type { PageRefusal } from '../contract.ts';

const ownNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Why a request to a loopback port without a token is not answered; undefined when it is. Other sites' pages run in the same
 * browser: one whose name leads to 127.0.0.1 (DNS rebinding) has its own name in Host, and one that asks from afar says so.
 */
export function refusedAsForeign({ headers }: IncomingMessage): PageRefusal | undefined {
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (!ownNames.has(host) && !isAddress(host)) {
    const error = `this port is for localhost and not for the name ${host || '(none)'}; open it as http://127.0.0.1`;
    return { code: 'dashboard-foreign', error };
  }
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
  // Following a link to the page is harmless.
  if (headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document') return undefined;
  return { code: 'dashboard-foreign', error: 'a page of another site asks; open the dashboard itself' };
}

/** An address cannot be rebound: whoever sees it has reached just that. */
function isAddress(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || /^\[[0-9a-f:]+\]$/.test(host);
}
