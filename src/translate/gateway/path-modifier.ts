import type { PathRewrite } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';
import { required, withoutSlash } from './matches.ts';

/**
 * A HTTPPathModifier. `prefix`: what the rule's only match has as its PathPrefix, without a slash at its end; undefined where
 * there is no such match, so that no prefix can be replaced.
 */
export function readPathModifier(
  path: Fields | undefined,
  prefix: string | undefined,
  report: Report,
): PathRewrite | undefined {
  if (!path) return undefined;
  const type = path.choice('type', ['ReplaceFullPath', 'ReplacePrefixMatch']);
  if (!path.has('type'))
    report.error(
      'field-invalid',
      path.at('type'),
      `${path.at('type')} is missing; write ReplaceFullPath or ReplacePrefixMatch`,
    );
  if (type === undefined) return undefined;
  const field = type === 'ReplaceFullPath' ? 'replaceFullPath' : 'replacePrefixMatch';
  const value = required(path, field, report);
  path.rest();
  if (/[\s#]/.test(value))
    report.error('field-invalid', path.at(field), `${path.at(field)}: '${value}' cannot be in a path`);
  if (type === 'ReplaceFullPath') return { kind: 'full', value };
  if (prefix === undefined) {
    const message = `${path.at(field)} needs a rule with exactly one match, of a path by PathPrefix; split the rule`;
    report.error('field-invalid', path.at(field), message);
    return undefined;
  }
  return { kind: 'prefix', matched: prefix, value: withoutSlash(value) };
}
