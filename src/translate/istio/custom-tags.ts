import type { CustomTag } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';

/** Istio's `customTags`: tags of spans by name, in order. One that cannot be is left out; the others hold. */
export function readCustomTags(tags: Fields | undefined, report: Report): readonly CustomTag[] {
  return (tags?.names() ?? []).sort().flatMap(name => {
    const fields = tags!.object(name);
    const tag = fields && readTag(name, fields);
    fields?.rest();
    if (fields && tag === undefined) {
      const path = tags!.at(name);
      const message = `${path} has no value: write literal.value, environment.name or header.name; the tag is left out`;
      report.fail('telemetry-tag-invalid', path, message);
    }
    return tag ?? [];
  });
}

function readTag(name: string, fields: Fields): CustomTag | undefined {
  const literal = fields.object('literal');
  const environment = fields.object('environment');
  const header = fields.object('header');
  fields.unsupported('formatter', 'formats in tags are not supported; write literal, environment or header');
  const value = literal?.text('value');
  literal?.rest();
  if (value !== undefined) return { name, kind: 'literal', value };
  const [kind, source] = environment
    ? (['environment', environment] as const)
    : (['header', header] as const);
  const of = source?.text('name');
  const fallback = source?.text('defaultValue');
  source?.rest();
  if (!of) return undefined;
  return { name, kind, of: kind === 'header' ? of.toLowerCase() : of, ...given({ fallback }) };
}
