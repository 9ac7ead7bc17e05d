import type { Denial } from '../../authorization/index.ts';
import type { RunningCluster } from '../../cluster/index.ts';
import type { Wire } from '../../wire/index.ts';
import { detailOf, noteRefusal } from '../accept/denied-bytes.ts';
import { outboundLabels } from '../accept/outbound-metrics.ts';
import type { RefusedStart } from '../accept/refusal.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import type { Services } from '../services/services.ts';
import { TcpSession } from '../tcp/tcp-session.ts';

/** A connection whose bytes a gateway does not read, on its way to the endpoint that it was sent to. */
export class CarriedBytes {
  readonly #services: Services;
  readonly #session: TcpSession;
  readonly #start: RefusedStart;

  /** `start`: as who it is told of, should it be cut off. */
  constructor(
    services: Services,
    destination: RunningDestination,
    cluster: RunningCluster,
    wire: Wire,
    start: RefusedStart,
    onEnd: () => void,
  ) {
    this.#services = services;
    this.#start = start;
    services.counters.accepted.add('direction="gateway",protocol="tcp"');
    this.#session = new TcpSession(
      services,
      {
        direction: 'outbound',
        downstream: start.client,
        principal: '',
        localAddress: '',
        labels: (endpoint, of) =>
          outboundLabels(services, endpoint, of?.config.service ?? destination.service, 'tcp'),
        onEnd,
      },
      cluster,
      wire,
      false,
    );
  }

  /** `first`: what the client has sent already. */
  begin(first: Buffer | undefined): void {
    this.#session.start(first);
  }

  /** What it may do holds for bytes that are under way, too. */
  forbid(denial: Denial): void {
    noteRefusal(this.#services, this.#start, denial);
    this.#session.forbid(detailOf(denial));
  }
}
