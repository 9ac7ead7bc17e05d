import { WeftError } from '../errors/index.ts';
import { machineClaimFault, machineEntryName, machineName, parseSpiffe } from '../model/index.ts';
import type { CertifiedPeer } from './certified-peer.ts';
import type { HelloMessage } from './protocol.ts';
import type { AskableProxy, DiscoveryServerOptions, MachinePresence } from './server.interface.ts';

/** The stream of a machine's proxy, as far as it is written down that the machine is there: from its hello to its end. */
export class Arrival {
  #presence: MachinePresence | undefined;
  #session: AskableProxy | undefined;
  #over = false;

  /** Begins where `hello` is a machine's; `failed` hears why it is not let in. A WeftError where that is known at once. */
  static begin(
    hello: HelloMessage,
    certified: CertifiedPeer | undefined,
    { arrivals, log }: DiscoveryServerOptions,
    failed: (error: WeftError) => void,
  ): Arrival | WeftError | undefined {
    const { machine: claim, namespace, pod } = hello;
    const identity = certified && parseSpiffe(certified.principal);
    if (!claim || !identity) return undefined;
    if (!arrivals)
      return refuse(
        'machines-not-registered',
        'this control plane writes no WorkloadEntries; install it with --machines, or start the proxy without --workload-group and write one yourself',
      );
    const fault = machineClaimFault(claim);
    const name = machineName(machineEntryName(claim.group, claim.address));
    if (fault !== undefined || pod !== name || namespace !== identity.namespace)
      return refuse(
        'machine-claim-invalid',
        `what the machine says of itself does not fit: ${fault ?? `it is ${namespace}/${pod}, and should be ${identity.namespace}/${name}`}`,
      );
    const arrival = new Arrival();
    const { serviceAccount } = identity;
    const machine = { namespace, serviceAccount, uid: certified.podUid ?? '', claim };
    arrivals.arrive(machine).then(
      found => {
        if (!(found instanceof WeftError)) arrival.#written(found);
        else if (!arrival.#over) failed(found);
      },
      (thrown: unknown) => {
        log.error({ pod, thrown: String(thrown) }, 'a machine could not be written down');
        failed(
          new WeftError(
            'machine-entry-not-written',
            'the machine could not be written down; it is tried again',
          ),
        );
      },
    );
    return arrival;
  }

  /** The stream is open, and its proxy can be asked. */
  opened(session: AskableProxy): void {
    this.#session = session;
    this.#presence?.opened(session);
  }

  /** The stream is over. */
  left(): void {
    this.#over = true;
    this.#presence?.left();
  }

  #written(presence: MachinePresence): void {
    this.#presence = presence;
    if (this.#over) presence.left();
    else if (this.#session) presence.opened(this.#session);
  }
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'downstream' });
}
