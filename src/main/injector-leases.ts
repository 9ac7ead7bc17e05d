// Which replica of which revision does what must be done once. Each revision has a Lease for what is its own: its webhook
// configurations, its events about pods. One Lease, that of the default revision, is for what all of them share: statuses of
// policies, roots in every namespace, gateways' deployments, certificates. The default's replicas compete for it; those of other
// revisions only as long as there is no default, so that a canary changes nothing but its own pods.
import { DEFAULT_REVISION, revisionNames } from '../config/index.ts';
import { competeWhile, type Permission } from '../control-plane/index.ts';
import { type KubeClient, LeaderElection } from '../kubernetes/index.ts';
import type { Surroundings } from './injector-authority.ts';
import type { Pipeline } from './pipeline.ts';

/** A Lease that this replica competes for. */
export interface Lead {
  readonly leads: () => boolean;
  /** Who holds it as far as is known; ''. */
  readonly holder: () => string;
}

/** What one replica does for its revision, and for all; the signals abort when it does not lead any more. */
export interface Duties {
  readonly own: (leading: AbortSignal) => void;
  readonly shared: (leading: AbortSignal) => void;
}

/** Competes until the signal aborts. */
export function competeForLeases(
  client: KubeClient,
  { registry }: Pick<Pipeline, 'registry'>,
  { config, clock, log, signal }: Surroundings,
  duties: Duties,
): { readonly own: Lead; readonly shared: Lead } {
  const election = (name: string): LeaderElection =>
    new LeaderElection({
      ...{ client, clock, name, namespace: config.namespace, identity: config.instance },
      failed: message => log.warn({ lease: name }, `the Lease cannot be renewed: ${message}`),
    });
  const leadOf = (of: LeaderElection): Lead => ({ leads: () => of.isLeader, holder: () => of.holder });
  const first = revisionNames(DEFAULT_REVISION).injector;
  const shared = election(first);
  const begin = (leading: AbortSignal): void => {
    log.info({ instance: config.instance }, 'this replica leads: it does what must be done once');
    duties.shared(leading);
  };
  if (config.revision === DEFAULT_REVISION) {
    void shared.run(leading => {
      begin(leading);
      duties.own(leading);
    }, signal);
    return { own: leadOf(shared), shared: leadOf(shared) };
  }
  const own = election(revisionNames(config.revision).injector);
  void own.run(leading => {
    log.info({ instance: config.instance, revision: config.revision }, 'this replica leads its revision');
    duties.own(leading);
  }, signal);
  const alone: Permission = {
    // Its Service stands for a revision: it comes with it, goes with it, and every control plane knows it.
    now: () => registry.get('Service', `${config.namespace}/${first}`) === undefined,
    subscribe: listener =>
      registry.subscribe(({ changes }) => {
        if (changes.some(({ kind }) => kind === 'Service')) listener();
      }),
  };
  void competeWhile(shared, begin, alone, signal);
  return { own: leadOf(own), shared: leadOf(shared) };
}
