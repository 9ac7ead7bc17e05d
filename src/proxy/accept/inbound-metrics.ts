import type { PeerLabels } from '../../telemetry/index.ts';
import type { RunningPort } from '../destinations/inbound-ports.ts';
import type { Services } from '../services/services.ts';
import type { InboundCaller } from './inbound-caller.ts';

const noService = { host: '', name: '', namespace: '' };

/** Labels of traffic that this workload takes in. `port`: undefined while it is not known. */
export function inboundLabels(
  services: Services,
  { peer, mutualTls }: InboundCaller,
  port: RunningPort | undefined,
  protocol: 'http' | 'tcp',
): PeerLabels {
  return {
    reporter: 'destination',
    source: peer,
    destination: services.self,
    service: port?.service ?? noService,
    protocol,
    mutualTls,
  };
}
