import type { CredentialRef, TlsVersion } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';
import { required } from './matches.ts';

/** Undefined, with a problem, for what is of another kind. `namespace`: of who names it. */
export function readCredentialRef(
  fields: Fields,
  wanted: CredentialRef['kind'],
  namespace: string,
  report: Report,
): CredentialRef | undefined {
  const group = fields.text('group') ?? '';
  const kind = fields.text('kind') ?? wanted;
  const name = required(fields, 'name', report);
  const own = fields.text('namespace') || namespace;
  fields.rest();
  if ((group === '' || group === 'core') && kind === wanted) return { kind: wanted, namespace: own, name };
  const named = group === '' ? kind : `${kind}.${group}`;
  report.warn(
    'reference-kind-invalid',
    fields.path,
    `${fields.path}: certificates are not read from a ${named}; name a ${wanted}`,
  );
  return undefined;
}

/** Weft's own options of TLS: `weft.dev/min-version` and `weft.dev/max-version`. One that makes no sense holds as if absent. */
export function readTlsVersions(
  tls: Fields,
  report: Report,
): { readonly minVersion: TlsVersion | undefined; readonly maxVersion: TlsVersion | undefined } {
  const own = tls.strings('options') ?? {};
  const version = (name: string): TlsVersion | undefined => {
    const value = own[`weft.dev/${name}`];
    if (value === undefined || value === 'TLSv1.2' || value === 'TLSv1.3') return value;
    report.fail(
      'field-invalid',
      tls.at('options'),
      `${tls.at('options')}: weft.dev/${name} is '${value}'; it takes TLSv1.2 or TLSv1.3, and holds as if it were not there`,
    );
    return undefined;
  };
  return { minVersion: version('min-version'), maxVersion: version('max-version') };
}

/** `weft.dev/session-tickets`: false where sessions are not to be resumed. */
export function readTickets(tls: Fields, report: Report): false | undefined {
  const value = tls.strings('options')?.['weft.dev/session-tickets'];
  if (value !== undefined && value !== 'on' && value !== 'off')
    report.fail(
      'field-invalid',
      tls.at('options'),
      `${tls.at('options')}: weft.dev/session-tickets is '${value}'; it takes on or off, and holds as if it were not there`,
    );
  return value === 'off' ? false : undefined;
}
