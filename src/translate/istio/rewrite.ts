import type { PathRewrite } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';
import { isRegex } from '../text-match.ts';

/** What a rule makes of path and authority. `path` depends on the match that a request meets. */
export interface Rewrite {
  readonly path?: string;
  readonly pathRegex?: PathRewrite;
  readonly authority?: string;
}

/** Istio's HTTPRewrite. */
export function readRewrite(rewrite: Fields, report: Report): Rewrite {
  const path = rewrite.text('uri');
  const authority = rewrite.text('authority');
  const regex = rewrite.object('uriRegexRewrite');
  const pathRegex = regex && readRegex(regex, report);
  rewrite.rest();
  if (path === '')
    report.warn(
      'field-invalid',
      rewrite.at('uri'),
      `${rewrite.at('uri')} is empty and has no effect; to take a prefix away write uri: / and end the matched prefix with a slash`,
    );
  if (path !== undefined && regex)
    report.error(
      'field-invalid',
      rewrite.path,
      `${rewrite.path} has uri and uriRegexRewrite; keep one of them`,
    );
  if (authority !== undefined && !/^[\w.:[\]-]+$/.test(authority)) {
    const where = rewrite.at('authority');
    report.error('field-invalid', where, `${where}: '${authority}' is no host`);
  }
  return given({ path: path || undefined, pathRegex, authority: authority || undefined });
}

function readRegex(regex: Fields, report: Report): PathRewrite | undefined {
  const pattern = regex.text('match');
  const substitution = regex.text('rewrite');
  regex.rest();
  if (!pattern || substitution === undefined) {
    report.error('field-invalid', regex.path, `${regex.path} needs both match and rewrite`);
    return undefined;
  }
  if (!isRegex(pattern, regex.at('match'), report)) return undefined;
  const groups = (pattern.match(/(?<!\\)\((?!\?[imsU:-])/g) ?? []).length;
  for (const [, digit] of substitution.matchAll(/\\(\d)/g)) {
    if (Number(digit) <= groups) continue;
    const where = regex.at('rewrite');
    report.error('field-invalid', where, `${where}: there is no group \\${digit} in the match`);
  }
  return { kind: 'regex', pattern, substitution };
}
