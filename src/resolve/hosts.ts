/** The wildcards that cover a host, the narrowest first: `*.shop.svc…`, `*.svc…`, …, `*`. The host may itself be a wildcard. */
export function wildcardsOf(host: string): readonly string[] {
  const wildcards: string[] = [];
  const start = host.startsWith('*.') ? 2 : 0;
  for (let dot = host.indexOf('.', start); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    wildcards.push(`*${host.slice(dot)}`);
  }
  if (host !== '*') wildcards.push('*');
  return wildcards;
}

/** Whether `pattern` (a host, `*.example.com`, `*`) covers all of `host`, which may be a wildcard too. */
export function hostCovers(pattern: string, host: string): boolean {
  if (pattern === '*' || pattern === host) return true;
  return pattern.startsWith('*.') && host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1;
}
