import type {
  AuthorizationTest,
  AuthorizationTests,
  PathMatch,
  RequestMatch,
  TextMatch,
  ValueMatch,
} from '../model/index.ts';

/** A match of a route as tests of authorization: any of the alternatives. `host`: '' for every one. */
export function matchTests(
  { path, method, headers = [] }: RequestMatch,
  host: string,
): readonly AuthorizationTests[] {
  const tests: AuthorizationTest[] = [];
  if (host.startsWith('*')) tests.push({ of: 'host', values: [{ kind: 'suffix', value: host.slice(1) }] });
  else if (host !== '') tests.push({ of: 'host', values: [{ kind: 'exact', value: host }] });
  if (path) tests.push({ of: 'path', values: pathValues(path) });
  if (method) tests.push({ of: 'method', values: [textValue(method)] });
  for (const { name, match, invert } of headers)
    tests.push({ of: 'header', name, values: [textValue(match)], ...(invert && { not: true }) });
  return [tests];
}

/** Whole segments: the path itself, and what follows a slash. */
function pathValues({ kind, value, ignoreCase }: PathMatch): readonly ValueMatch[] {
  const more = ignoreCase ? ({ ignoreCase: true } as const) : {};
  if (kind !== 'segments') return [{ kind, value, ...more }];
  return [
    { kind: 'exact', value, ...more },
    { kind: 'prefix', value: `${value}/`, ...more },
  ];
}

function textValue({ kind, value, ignoreCase }: TextMatch): ValueMatch {
  return { kind, value, ...(ignoreCase && { ignoreCase: true }) };
}
