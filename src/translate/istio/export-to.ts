import type { Fields } from '../fields.ts';
import type { Reading } from './reading.ts';

/**
 * The namespaces that `exportTo` names; undefined for all of them, which is also what Istio takes it for where it is absent.
 * `.` is the object's own namespace, `~` nobody.
 */
export function readExportTo(spec: Fields, { namespace, report }: Reading): readonly string[] | undefined {
  const names = spec.texts('exportTo');
  if (names.length === 0 || names.includes('*')) return undefined;
  const found = new Set<string>();
  names.forEach((name, index) => {
    const path = `spec.exportTo[${index}]`;
    if (name === '.') found.add(namespace);
    else if (name !== '~' && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) found.add(name);
    else if (name !== '~')
      report.error(
        'field-invalid',
        path,
        `${path}: '${name}' is no namespace; write a name, '.' for its own or '*' for all`,
      );
  });
  return [...found];
}
