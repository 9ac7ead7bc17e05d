import { type NamedMatch, regexProblem, type TextMatch } from '../model/index.ts';
import type { Fields } from './fields.ts';
import type { Report } from './report.ts';

/**
 * One of exact, prefix and regex, as Istio's StringMatch has them. Empty, or the regex `*`, is there: whatever value, as long as
 * there is one.
 */
export function readTextMatch(match: Fields, report: Report): TextMatch | undefined {
  const found: TextMatch[] = [];
  for (const kind of ['exact', 'prefix', 'regex'] as const) {
    const value = match.text(kind);
    if (value === undefined) continue;
    if (kind === 'regex' && value === '*') found.push({ kind: 'present', value: '' });
    else if (kind === 'regex' && !isRegex(value, match.at(kind), report)) return undefined;
    else found.push({ kind, value });
  }
  match.refuseRest();
  if (found.length > 1)
    report.error(
      'field-invalid',
      match.path,
      `${match.path} has more than one of exact, prefix and regex; keep one`,
    );
  return found[0] ?? { kind: 'present', value: '' };
}

/** How names are read. `invert`: none of them may hold. `except`: names that are not this reader's. */
interface NameReading {
  readonly lowercase: boolean;
  readonly invert?: boolean;
  readonly except?: (name: string) => boolean;
}

/** A map of names to StringMatches: headers, query parameters. */
export function readNamedMatches(
  map: Fields | undefined,
  report: Report,
  { lowercase, invert = false, except = () => false }: NameReading,
): readonly NamedMatch[] {
  return (map?.names() ?? []).flatMap(name => {
    if (except(name)) return [];
    const fields = map!.object(name);
    const match = fields && readTextMatch(fields, report);
    if (!match) return [];
    if (name.startsWith('@request.auth.')) {
      const why =
        'claims are known where a token is verified, which is not where this is asked; match a header that the client sets, or say in an AuthorizationPolicy of the pod who may call (request.auth.claims)';
      report.error('field-not-supported', map!.at(name), `${map!.at(name)}: ${why}`);
    }
    // Istio sets treat_missing_header_as_empty where a value is compared: what matches nothing at all keeps out who sends
    // nothing.
    const absentAsEmpty = invert && match.kind !== 'present';
    const inverted = { ...(invert && { invert }), ...(absentAsEmpty && { absentAsEmpty }) };
    return [{ name: lowercase ? name.toLowerCase() : name, match, ...inverted }];
  });
}

/** Whether the proxies will take the pattern; what they will not is reported. */
export function isRegex(pattern: string, path: string, report: Report): boolean {
  const problem = regexProblem(pattern);
  if (problem === undefined) return true;
  report.error('regex-invalid', path, `${path}: the pattern ${problem}`);
  return false;
}
