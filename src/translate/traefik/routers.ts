/** By the names that Traefik's chart gives them, and those of its guides before. */
const entryPoints: Readonly<Record<string, 'http' | 'https'>> = {
  web: 'http',
  http: 'http',
  websecure: 'https',
  https: 'https',
};

/** What routers of these entry points are for: undefined where that is both. `wrong`: why one of them is none. */
export function schemeOf(
  names: readonly string[],
  wrong: (why: string) => void,
): 'http' | 'https' | undefined {
  const unknown = names.find(each => entryPoints[each.toLowerCase()] === undefined);
  if (unknown !== undefined)
    wrong(`'${unknown}' is none of web, websecure, to which the ports of the class stand`);
  const schemes = new Set(names.map(each => entryPoints[each.toLowerCase()]));
  return schemes.size === 1 ? [...schemes][0] : undefined;
}
