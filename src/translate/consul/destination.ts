import { type ExternalService, isIpAddress, type Protocol } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';
import type { OwnService } from './service-name.ts';

/**
 * spec.destination of ServiceDefaults: names outside of the mesh. Consul sends them through a terminating gateway; here apps
 * reach them directly, under their name in metrics and also where a workload may only reach what the mesh knows.
 */
export function readDestination(
  spec: Fields,
  own: OwnService,
  protocol: Protocol,
  report: Report,
): Omit<ExternalService, 'from'> | undefined {
  const destination = spec.object('destination');
  if (!destination) return undefined;
  const written = destination.texts('addresses').map(each => each.toLowerCase());
  const port = destination.port('port');
  destination.rest();
  const path = destination.at('addresses');
  if (written.length === 0) report.error('field-invalid', path, `${path} is empty; name the hosts`);
  if (!destination.has('port'))
    report.error('field-invalid', destination.at('port'), `${destination.at('port')} is missing`);
  const [addresses, hosts] = [written.filter(isIpAddress), written.filter(each => !isIpAddress(each))];
  for (const host of hosts) {
    if (!/^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host))
      report.error('field-invalid', path, `${path}: '${host}' is neither a host name nor an address`);
  }
  if (written.length === 0 || port === undefined) return undefined;
  return {
    // Addresses alone have no name of their own: the entry's.
    hosts: hosts.length > 0 ? hosts : [own.host],
    addresses,
    ports: [{ number: port, name: '', protocol, targetPort: port }],
    resolution: 'none',
    location: 'outside',
    endpoints: [],
    namespace: own.namespace,
  };
}
