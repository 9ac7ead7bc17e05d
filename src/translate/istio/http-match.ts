import type { PathMatch, RequestMatch, RuleMatch, TextMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import { readNamedMatches, readTextMatch } from '../text-match.ts';
import { isClaimName, readClaimMatches } from './claim-match.ts';
import type { Reading } from './reading.ts';
import { readSource } from './source-match.ts';

/** A match, and its name where it has one. */
export interface NamedRuleMatch {
  readonly name: string | undefined;
  readonly match: RuleMatch;
}

/** Istio's HTTPMatchRequest; undefined for one that is for gateways only. */
export function readHttpMatch(match: Fields, reading: Reading): NamedRuleMatch | undefined {
  const { report } = reading;
  const caller = readSource(match, reading);
  const text = (name: string): TextMatch | undefined => {
    const fields = match.object(name);
    return fields && readTextMatch(fields, report);
  };
  const path = readPath(match, reading);
  const headers = [
    ...readNamedMatches(match.object('headers'), report, { lowercase: true, except: isClaimName }),
    ...readNamedMatches(match.object('withoutHeaders'), report, {
      lowercase: true,
      invert: true,
      except: isClaimName,
    }),
  ];
  const claims = [
    ...readClaimMatches(match.object('headers'), reading),
    ...readClaimMatches(match.object('withoutHeaders'), reading, { invert: true }),
  ];
  const query = readNamedMatches(match.object('queryParams'), report, { lowercase: false });
  const request: RequestMatch = given({
    path,
    method: text('method'),
    authority: text('authority'),
    scheme: text('scheme'),
    headers: some(headers),
    query: some(query),
    claims: some(claims),
  });
  const name = match.text('name');
  match.unsupported('statPrefix', 'requests are counted under the name of the rule; give it one');
  match.refuseRest();
  if (!caller) return undefined;
  return {
    name,
    match: {
      ...(Object.keys(caller).length > 0 && { caller }),
      ...(Object.keys(request).length > 0 && { request }),
    },
  };
}

function readPath(match: Fields, { report }: Reading): PathMatch | undefined {
  const ignoreCase = match.flag('ignoreUriCase');
  const uri = match.object('uri');
  const text = uri && readTextMatch(uri, report);
  if (!text) return undefined;
  // Envoy does not look at the case of letters in regexes otherwise than the pattern says.
  if (ignoreCase && text.kind === 'regex') {
    const message = `${match.at('ignoreUriCase')} has no effect on a regex; begin it with (?i)`;
    report.warn('field-not-supported', match.at('ignoreUriCase'), message);
  }
  switch (text.kind) {
    case 'exact':
    case 'prefix':
      return { kind: text.kind, value: text.value, ...(ignoreCase && { ignoreCase }) };
    case 'regex':
      return { kind: 'regex', value: text.value };
    default:
      return undefined;
  }
}
