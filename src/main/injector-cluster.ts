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
import { KubeClient, LeaderElection } from '../kubernetes/index.ts';
import type { Problem } from '../model/index.ts';
import { KubernetesSource } from '../source/kubernetes/index.ts';
import { type ObjectStatus, policyKinds } from '../translate/index.ts';
import type { Surroundings } from './injector-authority.ts';
import { watchUnready } from './injector-endpoints.ts';
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

/** Secrets, Lease and ServiceAccount are called so; see cli/install. */
const names = { lease: 'weft-injector', authority: 'weft-ca', ownAuthority: 'cacerts' } as const;
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

/** What one replica does for all; `elected` is called when it is this one, `changed` when namespaces or roots have changed. */
export interface Leadership {
  readonly leads: () => boolean;
}

/** Competes to lead, and as leader keeps the trusted roots in every namespace and tells policies what became of them. */
export function competeToLead(
  { client }: RunningCluster,
  live: Authority,
  pipeline: Pipeline,
  { config, clock, log, signal }: Surroundings,
  view: InjectorView,
  elected: (signal: AbortSignal) => void,
  refused: () => readonly Problem[],
): Leadership {
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
    for (const event of authorityEvents(live.alarms(), config.namespace)) events.report(event);
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
  const election = new LeaderElection({
    client,
    clock,
    namespace: config.namespace,
    name: names.lease,
    identity: config.instance,
    failed: message => log.warn({ lease: names.lease }, `the Lease cannot be renewed: ${message}`),
  });
  const leads = (): boolean => election.isLeader;
  stops.push(watchUnready(pipeline, leads, event => events.report(event)));
  view.parts.leader = () => ({ leads: leads(), holder: election.holder });
  void election.run(leading => {
    log.info({ instance: config.instance }, 'this replica leads: it does what must be done once');
    void distributor.lead(leading);
    void statuses.lead(leading);
    certificates.lead(leading);
    elected(leading);
    alarm();
  }, signal);
  signal.addEventListener('abort', () => stops.forEach(stop => void stop()), { once: true });
  return { leads };
}

function* liveNamespaces({ registry }: Pipeline): Iterable<string> {
  for (const { object } of registry.list('Namespace')) {
    if (object.metadata.deletionTimestamp === undefined) yield object.metadata.name;
  }
}
