import type { RunningEndpoint } from '../../cluster/index.ts';
import { type PeerLabels, PeerRequests, UNKNOWN_PEER } from '../../telemetry/index.ts';
import type { Services } from '../services/services.ts';

const noService = { host: '', name: '', namespace: '' };

/** Labels of traffic that this workload sends. */
export function outboundLabels(
  services: Services,
  endpoint: RunningEndpoint | undefined,
  service: PeerLabels['service'] | undefined,
  protocol: 'http' | 'tcp',
): PeerLabels {
  return {
    reporter: 'source',
    source: services.self,
    destination: endpoint?.config.peer ?? UNKNOWN_PEER,
    service: service ?? noService,
    protocol,
    mutualTls: endpoint?.config.tls === 'mesh',
  };
}

/** Where the requests of one connection count that no endpoint was chosen for: by the service that they were meant for. */
export class UnplacedRequests {
  readonly #services: Services;
  #last: PeerRequests | undefined;
  #lastOf: PeerLabels['service'] | undefined;

  constructor(services: Services) {
    this.#services = services;
  }

  /** `service`: undefined where nobody knows it. */
  of(service: PeerLabels['service'] | undefined): PeerRequests {
    if (this.#last === undefined || this.#lastOf !== service) {
      this.#lastOf = service;
      const labels = outboundLabels(this.#services, undefined, service, 'http');
      this.#last = new PeerRequests(this.#services.requests, labels);
    }
    return this.#last;
  }
}
