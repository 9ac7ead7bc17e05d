import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';

/** Hosts of a route, lower case; empty for all. Wrong ones are errors: without them it would hold for every host. */
export function readHostnames(spec: Fields, report: Report): readonly string[] {
  return spec.texts('hostnames').map((written, index) => {
    const host = written.toLowerCase();
    const path = `${spec.at('hostnames')}[${index}]`;
    if (!/^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host))
      report.error(
        'field-invalid',
        path,
        `${path}: '${written}' is no host, and no wildcard such as *.example.com`,
      );
    return host;
  });
}
