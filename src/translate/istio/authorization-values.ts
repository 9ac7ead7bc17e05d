// Values of AuthorizationPolicy: what is written, checked, as matches of the model.
import type { ValueMatch } from '../../model/index.ts';
import { isAddressRange } from '../address-range.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';
import type { Reading } from './reading.ts';

/** Reads one value that stands at `path`; undefined where it is wrong, which the report says. */
export type ReadValue = (value: string, path: string, report: Report) => ValueMatch | undefined;

/** `exact`, `prefix*`, `*suffix`, or `*` for whatever is there (Istio's AuthorizationPolicy reference, "Wildcards"). */
export function wildcard(value: string): ValueMatch {
  if (value === '*') return { kind: 'present', value: '' };
  if (value.startsWith('*')) return { kind: 'suffix', value: value.slice(1) };
  if (value.endsWith('*')) return { kind: 'prefix', value: value.slice(0, -1) };
  return { kind: 'exact', value };
}

export const readWildcard: ReadValue = value => wildcard(value);

/** Without case. */
export const readHost: ReadValue = value => ({ ...wildcard(value), ignoreCase: true });

/** Peers are known by `spiffe://` and what policies write. */
export const readPrincipal: ReadValue = (value, path, report) => {
  if (value.startsWith('spiffe://')) {
    report.error(
      'field-invalid',
      path,
      `${path}: write the principal without spiffe://, as ${value.slice('spiffe://'.length)}`,
    );
    return undefined;
  }
  const match = wildcard(value);
  return match.kind === 'exact' || match.kind === 'prefix'
    ? { ...match, value: `spiffe://${match.value}` }
    : match;
};

export const readTrustDomain: ReadValue = (value, path, report) => {
  if (!value.includes('/')) return wildcard(value);
  const remedy = 'a trust domain has no /; write namespaces, serviceAccounts or principals for the rest';
  report.error('field-invalid', path, `${path}: '${value}': ${remedy}`);
  return undefined;
};

/** Of a policy in `namespace`: `NS/SA`, or `SA` there. */
export function serviceAccountIn(namespace: string): ReadValue {
  return (value, path, report) => {
    const parts = value.split('/');
    if (parts.length > 2 || parts.includes('') || value.includes('*') || value.length > 320) {
      const remedy =
        'write NAMESPACE/SERVICE-ACCOUNT, or a name alone for one beside the policy, without wildcards';
      report.error('field-invalid', path, `${path}: '${value}' is no service account; ${remedy}`);
      return undefined;
    }
    return { kind: 'exact', value: parts.length === 2 ? value : `${namespace}/${value}` };
  };
}

/** An address or a range of them. */
export const readRange: ReadValue = (value, path, report) => {
  if (isAddressRange(value)) return { kind: 'range', value };
  const words = `'${value}' is no address and no range of addresses; write for example 10.1.0.0/16 or fd00::/8`;
  report.error('field-invalid', path, `${path}: ${words}`);
  return undefined;
};

export const readPort: ReadValue = (value, path, report) => {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535)
    return { kind: 'exact', value: String(Number(value)) };
  report.error(
    'field-invalid',
    path,
    `${path}: '${value}' is no port; write its number, of the workload and not of its Service`,
  );
  return undefined;
};

/** A path, with wildcards or with `{*}` and `{**}`. */
export const readPath: ReadValue = (value, path, report) => {
  if (!/[{}]/.test(value)) return wildcard(value);
  const fault = templateFault(value);
  if (fault === undefined) return { kind: 'template', value };
  report.error('field-invalid', path, `${path}: '${value}': ${fault}`);
  return undefined;
};

/** What is wrong with a template: operators are whole segments, `{**}` is the last of them, and no bare `*` stands beside. */
function templateFault(value: string): string | undefined {
  if (!value.startsWith('/')) return 'a path with {*} or {**} begins with /';
  let ended = false;
  for (const segment of value.split('/')) {
    const isOperator = segment === '{*}' || segment === '{**}';
    if (!isOperator && /[{}]/.test(segment)) return `${segment}: {*} and {**} stand for whole segments only`;
    if (!isOperator && segment.includes('*'))
      return 'a bare * is not possible beside {*} and {**}; write {*} for one segment or {**} for any number';
    if (isOperator && ended) return '{**} must be the last of {*} and {**}';
    ended ||= segment === '{**}';
  }
  return undefined;
}

/** The values of a list that may not be empty, and may hold nothing empty: that would ask for nothing, and so match anything. */
export function readValues(
  fields: Fields,
  name: string,
  read: ReadValue,
  { report }: Reading,
): readonly ValueMatch[] {
  if (!fields.has(name)) return [];
  const values = fields.texts(name);
  if (fields.isList(name) && values.length === 0)
    report.error(
      'field-invalid',
      fields.at(name),
      `${fields.at(name)} is empty; say values, or leave it out`,
    );
  return values.flatMap((value, index) => {
    const path = `${fields.at(name)}[${index}]`;
    if (value === '') {
      report.error('field-invalid', path, `${path} is empty; write a value, or * for whatever is there`);
      return [];
    }
    return read(value, path, report) ?? [];
  });
}
