import { type CallerMatch, isIpAddress, type TcpRule } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { readDestinations } from './destinations.ts';
import type { Reading } from './reading.ts';
import { readSource } from './source-match.ts';

interface StreamMatch {
  readonly caller: CallerMatch;
  readonly serverNames: readonly string[];
  readonly destinationCidrs: readonly string[];
}

/** Istio's TCPRoute, or with `tls` its TLSRoute: one rule for each match. */
export function readStreamRoute(route: Fields, kind: 'tcp' | 'tls', reading: Reading): readonly TcpRule[] {
  const written = route.objects('match');
  const matches = written.flatMap(each => readMatch(each, kind, reading) ?? []);
  const targets = readDestinations(route, reading, { headers: false });
  route.rest();
  if (targets.length === 0 && !route.has('route')) {
    const path = route.at('route');
    reading.report.error('field-invalid', path, `${path} is missing; say where connections go`);
  }
  if (kind === 'tls' && written.length === 0) {
    const path = route.at('match');
    reading.report.error('field-invalid', path, `${path} is missing; name the sniHosts`);
  }
  if (written.length === 0)
    return [{ path: route.path, caller: [], serverNames: [], destinationCidrs: [], targets }];
  return matches.map(({ caller, serverNames, destinationCidrs }) => ({
    path: route.path,
    caller: Object.keys(caller).length > 0 ? [caller] : [],
    serverNames,
    destinationCidrs,
    targets,
  }));
}

function readMatch(match: Fields, kind: 'tcp' | 'tls', reading: Reading): StreamMatch | undefined {
  const { report } = reading;
  const caller = readSource(match, reading);
  const serverNames = kind === 'tls' ? match.texts('sniHosts').map(each => each.toLowerCase()) : [];
  const destinationCidrs = match.texts('destinationSubnets');
  match.unsupported('sourceSubnet', 'callers by address are not supported; use sourceLabels');
  match.refuseRest();
  destinationCidrs.forEach((range, index) => {
    if (isRange(range)) return;
    const path = `${match.at('destinationSubnets')}[${index}]`;
    report.error('field-invalid', path, `${path}: '${range}' is no address or range such as 10.0.0.0/8`);
  });
  serverNames.forEach((name, index) => {
    if (/^(\*|\*[a-z0-9.-]+|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)$/.test(name)) return;
    const path = `${match.at('sniHosts')}[${index}]`;
    report.error('field-invalid', path, `${path}: '${name}' is no server name`);
  });
  if (kind === 'tls' && serverNames.length === 0) {
    const path = match.at('sniHosts');
    report.error('field-invalid', path, `${path} is empty; name at least one server name`);
  }
  return caller && { caller, serverNames, destinationCidrs };
}

/** Whether the text is an address or a range of addresses. */
export function isRange(text: string): boolean {
  const [address = '', length, ...rest] = text.split('/');
  if (!isIpAddress(address) || rest.length > 0) return false;
  const most = address.includes(':') ? 128 : 32;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= most);
}
