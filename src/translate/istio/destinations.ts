import type { RouteTarget } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import { readHeaders } from './headers.ts';
import { qualifiedHost } from './host.ts';
import type { Reading } from './reading.ts';

/** Istio's Destination: a host, and a subset or a port of it where it says so. Undefined when it has no host to speak of. */
export function readDestination(
  destination: Fields,
  { namespace, context, report }: Reading,
): Omit<RouteTarget, 'weight'> | undefined {
  const written = destination.text('host');
  const subset = destination.text('subset');
  const selector = destination.object('port');
  const port = selector?.port('number');
  selector?.rest();
  destination.rest();
  const path = destination.at('host');
  if (written === undefined) {
    if (!destination.has('host')) report.error('field-invalid', path, `${path} is missing; name a service`);
    return undefined;
  }
  // A wildcard is a host of its own where a ServiceEntry has it: the connection goes where it was going.
  if (written.includes('*') && !/^\*\.[^*]+\.[^*]+$/.test(written)) {
    report.error('field-invalid', path, `${path}: '${written}' is no single host; name one`);
    return undefined;
  }
  const host = qualifiedHost(written, namespace, path, context, report);
  return host === undefined ? undefined : { host, ...given({ subset: subset || undefined, port }) };
}

/** The destinations of a rule with their shares. Those with a share of 0 get nothing, but a single one gets everything. */
export function readDestinations(
  owner: Fields,
  reading: Reading,
  { headers }: { readonly headers: boolean },
): readonly RouteTarget[] {
  const all = owner.objects('route');
  const found = all.map(each => {
    const destination = each.object('destination');
    if (!destination)
      reading.report.error('field-invalid', each.path, `${each.path}.destination is missing; name a host`);
    const target = destination && readDestination(destination, reading);
    const weight = each.number('weight', { max: 1_000_000 });
    const edits = headers ? readHeaders(each, reading.report) : {};
    each.rest();
    return { target, weight, edits };
  });
  if (found.length > 1) checkWeights(owner.at('route'), found, reading);
  return found.flatMap(({ target, weight = 0, edits }) => {
    if (!target) return [];
    return found.length === 1 ? [{ ...target, weight: 1, ...edits }] : [{ ...target, weight, ...edits }];
  });
}

function checkWeights(
  path: string,
  destinations: readonly { readonly weight: number | undefined }[],
  { report }: Reading,
): void {
  destinations.forEach(({ weight }, index) => {
    if (weight !== undefined) return;
    const where = `${path}[${index}].weight`;
    report.warn('weight-missing', where, `${where} is missing and counts as 0; say its share`);
  });
  const sum = destinations.reduce((total, { weight = 0 }) => total + weight, 0);
  if (sum === 0)
    report.error(
      'weights-zero',
      path,
      `${path}: all weights are 0, so that nobody would get anything; raise one`,
    );
  else if (sum !== 100)
    report.warn(
      'weights-sum',
      path,
      `${path}: weights add up to ${sum} and not 100; shares are weight / ${sum}`,
    );
}
