// Keys under which a machine's responder of DNS asks what a name is: see NameResource. No address and no authority has a slash.
const prefix = 'name/';

/** NameResource.key of a host as it was asked for, in lowercase and without a dot at its end. */
export function nameKey(host: string): string {
  return `${prefix}${host}`;
}

/** The host; undefined for what is no nameKey. */
export function parseNameKey(key: string): string | undefined {
  return key.startsWith(prefix) && key.length > prefix.length ? key.slice(prefix.length) : undefined;
}
