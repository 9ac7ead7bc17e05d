/** The bearer token, kept for this tab alone. */
const name = 'weft-token';

/** What `weft dashboard` puts behind the address (`#token=…`), which browsers send nowhere; it does not stay in the address. */
export function takeToken(): void {
  const match = /^#token=([^&]+)/.exec(location.hash);
  if (match === null) return;
  sessionStorage.setItem(name, decodeURIComponent(match[1]!));
  history.replaceState(undefined, '', `${location.pathname}#/`);
}

/** Headers that prove who asks. */
export function authorization(): Record<string, string> {
  const token = sessionStorage.getItem(name);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** Keeps it; an empty one forgets it. */
export function setToken(token: string): void {
  if (token.trim() === '') sessionStorage.removeItem(name);
  else sessionStorage.setItem(name, token.trim());
}
