// The admission webhook inside the control plane: what it needs of the cluster, and what keeps it trusted.
import {
  apiEventSink,
  type CaBundleKeeper,
  EventReporter,
  followWebhookSettings,
  type KubePod,
  keepCaBundle,
  kubeApiOf,
  type NamespaceMarks,
  namespaceLookup,
  ownerLookup,
  podReader,
  type RunningWebhook,
  reportUninjected,
  searchUninjected,
  startWebhook,
  supportsNativeSidecars,
  type WebhookSettings,
} from '../../webhook/index.ts';
import type { Authority } from '../ca/index.ts';
import { errorMessage } from '../errors/index.ts';
import type { CertificateKeeper } from '../identity/index.ts';
import type { KubeClient } from '../kubernetes/index.ts';
import { WebhookMetrics } from '../telemetry/webhook-metrics.ts';
import type { Surroundings } from './injector-authority.ts';
import type { InjectorView } from './injector-view.ts';
import type { Pipeline } from './pipeline.ts';

/** What the webhook works with. */
export interface WebhookParts {
  readonly client: KubeClient;
  readonly live: Authority;
  readonly keeper: CertificateKeeper;
  readonly pipeline: Pipeline;
  readonly leads: () => boolean;
}

const searchEveryMs = 60_000;
/** What a server is taken for that does not say its version. */
const newest = 34;

/** The webhook, and what the replica that leads does for it. */
export interface InjectorWebhook {
  readonly running: RunningWebhook;
  /** The server is Kubernetes 1.`minor`. */
  readonly minor: number;
  /** As they hold now. */
  readonly settings: () => WebhookSettings;
  /** Sees at once to what must be right when a replica begins to lead. */
  elected(): void;
}

/** Starts it. Rejects with WeftError: settings-unreadable, port-in-use, listen-failed. */
export async function openWebhook(
  parts: WebhookParts,
  around: Surroundings,
  view: InjectorView,
): Promise<InjectorWebhook> {
  const { client, live, keeper, pipeline, leads } = parts;
  const { config, clock, log, signal } = around;
  const api = kubeApiOf(client);
  const metrics = new WebhookMetrics(view.metrics.registry);
  const version = await client.call({ path: '/version', timeoutMs: 5_000 });
  const settings = await followWebhookSettings({
    path: config.injectionSettings,
    facts: {
      trustDomain: config.trustDomain,
      clusterDomain: config.clusterDomain,
      systemNamespace: config.namespace,
      revision: config.revision,
      nativeSidecars: !(version instanceof Error) && supportsNativeSidecars(version),
    },
    clock,
    log,
    signal,
  });
  const known = (name: string): NamespaceMarks | undefined => {
    const found = pipeline.registry.get('Namespace', name)?.object.metadata;
    return found && { labels: found.labels ?? {}, annotations: found.annotations ?? {} };
  };
  const owners = ownerLookup(api, clock);
  const events = apiEventSink(api, clock, config.instance);
  const running = await startWebhook({
    listen: config.webhookListen,
    clock,
    log,
    signal,
    settings,
    namespaces: namespaceLookup(api, known),
    owners,
    certificate: keeper,
    events,
    observer: metrics,
  });
  const bundle: CaBundleKeeper = keepCaBundle({
    ...{ api, clock, log, signal, leads, revision: config.revision },
    roots: () => live.roots,
  });
  signal.addEventListener(
    'abort',
    live.subscribe(() => void bundle.check()),
    { once: true },
  );
  const reporter = new EventReporter({
    sink: events,
    clock,
    log,
    observe: outcome => metrics.event(outcome),
  });
  const search = async (): Promise<void> => {
    const found = leads() ? await searchUninjected(pods(pipeline), searchContext(settings())) : [];
    metrics.uninjected(found);
    reportUninjected(found, reporter);
  };
  const searchContext = (now: WebhookSettings) => ({
    namespaces: known,
    settings: now,
    owners,
    read: podReader(api),
  });
  const cancel = clock.every(searchEveryMs, () => {
    void search().catch((thrown: unknown) =>
      log.warn({ error: errorMessage(thrown) }, 'pods outside the mesh could not be looked for'),
    );
  });
  signal.addEventListener('abort', cancel, { once: true });
  const minor = version instanceof Error ? newest : Number.parseInt(String(version.minor), 10) || newest;
  return { running, minor, settings, elected: () => void bundle.check() };
}

/** What the registry has of pods fits what the search looks at first; suspects are then read whole. */
function* pods({ registry }: Pipeline): Iterable<KubePod> {
  for (const { object } of registry.list('Pod')) yield object as unknown as KubePod;
}
