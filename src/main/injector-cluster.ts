// What the control plane has to do with its cluster. Loaded only when there is one: the API client costs memory.
import { apiEventSink, EventReporter, kubeApiOf } from '../../webhook/index.ts';
import type { Authority, LiveAuthority, RevocationList } from '../ca/index.ts';
import { VERSION } from '../config/version.ts';
import {
  AuthorityStore,
  ClusterSecrets,
  type StatusWish,
  StatusWriter,
  TrustDistributor,
} from '../control-plane/index.ts';
import { KubeClient } from '../kubernetes/index.ts';
import type { Problem } from '../model/index.ts';
import { KubernetesSource } from '../source/kubernetes/index.ts';
import { type ObjectStatus, policyKinds } from '../translate/index.ts';
import type { Surroundings } from './injector-authority.ts';
import { watchUnready } from './injector-endpoints.ts';
import { competeForLeases, type Duties } from './injector-leases.ts';
import {
  authorityEvents,
  certificateEvent,
  changesStatuses,
  policyEvent,
  statusWishes,
} from './injector-status.ts';
import type { InjectorView } from './injector-view.ts';
import { IssuedCertificates } from './issued-certificates.ts';
import type { Pipeline } from './pipeline.ts';

/** Secrets are called so; see cli/install. One of each for all revisions. */
const names = { authority: 'weft-ca', ownAuthority: 'cacerts' } as const;
/** Never anything of ours in there: the cluster must come up without Weft. */
const ignoredNamespaces = ['kube-system', 'kube-public', 'kube-node-lease'];

/** How often it is looked whether the authority runs out; the same event is told again after an hour. */
const alarmEveryMs = 60_000;
/** Until every replica of the control plane has seen a Secret, and every gateway has been told. */
const challengeSpreadMs = 3_000;

/** The cluster that this control plane is for. */
export interface RunningCluster {
  readonly client: KubeClient;
  readonly source: KubernetesSource;
}

/** Finds the API server, without calling it. Throws WeftError `kubeconfig`. */
export function openCluster({ config, clock, log }: Surroundings): RunningCluster {
  const { kubeconfig, context } = config;
  const client = new KubeClient({ kubeconfig, context, userAgent: `weft-injector/${VERSION}` });
  return { client, source: new KubernetesSource({ client, clock, log, policyKinds }) };
}

/** The authority of the cluster's Secret; waits for it. Undefined when it was told to stop before. */
export function openSecretAuthority(
  { client }: RunningCluster,
  { config, clock, log, signal }: Surroundings,
  view: InjectorView,
  revocations: RevocationList,
): Promise<LiveAuthority | undefined> {
  const store = new AuthorityStore({
    client,
    clock,
    log,
    namespace: config.namespace,
    secret: names.authority,
    ownSecret: names.ownAuthority,
    trustDomain: config.trustDomain,
    revocations,
  });
  view.own.push(() => store.problems());
  view.waitsFor = () => store.problems()[0]?.message ?? 'the certificate authority is being read';
  return store.open(signal);
}

/**
 * Competes to lead, and as leader of all revisions keeps the trusted roots in every namespace and tells policies what became of
 * them. `duties`: what else it does then. Returns whether this replica leads its revision.
 */
export function competeToLead(
  { client }: RunningCluster,
  live: Authority,
  pipeline: Pipeline,
  around: Surroundings,
  view: InjectorView,
  duties: Duties,
  refused: () => readonly Problem[],
): () => boolean {
  const { config, clock, log, signal } = around;
  const distributor = new TrustDistributor({
    client,
    clock,
    systemNamespace: config.namespace,
    ignoredNamespaces,
    namespaces: () => liveNamespaces(pipeline),
    roots: () => live.ownRoots,
    distrusted: () => live.distrusted,
    keepRetiredMs: Math.max(2 * config.certificateLifetimeMs, 3_600_000),
  });
  const sink = apiEventSink(kubeApiOf(client), clock, config.instance);
  const events = new EventReporter({ sink, clock, log, quietMs: 3_600_000 });
  const heard = (status: ObjectStatus): void => {
    const event = policyEvent(status);
    if (event) events.report(event);
  };
  const wishes = (): readonly StatusWish[] => statusWishes(pipeline, clock, { refused, heard });
  const statuses = new StatusWriter({ client, clock, wishes });
  const certificates = new IssuedCertificates({
    ...{ store: new ClusterSecrets(client), clock, log, spreadMs: challengeSpreadMs },
    heard: news => {
      const event = certificateEvent(news);
      if (event) events.report(event);
    },
  });
  certificates.follow(pipeline.mesh);
  let refusedBefore = '[]';
  const lookAtProxies = (): void => {
    const now = JSON.stringify(refused());
    if (now !== refusedBefore) statuses.changed();
    refusedBefore = now;
  };
  view.own.push(
    () => distributor.problems(),
    () => statuses.problems(),
    () => certificates.problems(),
  );
  // Where people look who read no metrics: kubectl get events, weft events.
  const alarm = (): void => {
    if (!leads()) return;
    for (const event of authorityEvents(live.alarms(), config)) events.report(event);
  };
  const stops = [
    clock.every(alarmEveryMs, alarm),
    clock.every(2_000, lookAtProxies),
    live.subscribe(() => distributor.changed()),
    pipeline.registry.subscribe(({ changes }) => {
      certificates.follow(pipeline.mesh);
      if (changes.some(each => each.kind === 'Namespace')) distributor.changed();
      if (changesStatuses(changes.map(each => each.kind))) statuses.changed();
    }),
  ];
  const { own, shared } = competeForLeases(client, pipeline, around, {
    own: duties.own,
    shared: leading => {
      void distributor.lead(leading);
      void statuses.lead(leading);
      certificates.lead(leading);
      duties.shared(leading);
      alarm();
    },
  });
  const leads = shared.leads;
  stops.push(watchUnready(pipeline, leads, event => events.report(event)));
  view.parts.leader = () => ({ leads: leads(), holder: shared.holder() });
  signal.addEventListener('abort', () => stops.forEach(stop => void stop()), { once: true });
  return own.leads;
}

function* liveNamespaces({ registry }: Pipeline): Iterable<string> {
  for (const { object } of registry.list('Namespace')) {
    if (object.metadata.deletionTimestamp === undefined) yield object.metadata.name;
  }
}
