// What the control plane tells about itself: readiness, metrics, /debug. It answers from the first moment, before the other
// parts are there.
import type { RunningWebhook } from '../../webhook/index.ts';
import { type Authority, fingerprintsOf } from '../ca/index.ts';
import type { InjectorConfig } from '../config/injector-config.ts';
import { VERSION } from '../config/version.ts';
import type { DiscoveryServer } from '../discovery/index.ts';
import type { CertificateKeeper } from '../identity/index.ts';
import type { Problem } from '../model/index.ts';
import { ControlPlaneMetrics, type FederatedFacts } from '../telemetry/control-plane-metrics.ts';
import { type Clock, systemClock } from '../time/index.ts';
import type { Routes } from './injector-http.ts';
import type { OwnProxyProgram } from './injector-program.ts';
import type { Pipeline } from './pipeline.ts';

/** The parts that there are so far; each stage adds its own. */
export interface InjectorParts {
  live?: Authority;
  keeper?: CertificateKeeper;
  pipeline?: Pipeline;
  server?: DiscoveryServer;
  webhook?: RunningWebhook;
  /** What proxies are upgraded to. */
  program?: OwnProxyProgram;
  /** The trust domains of others. */
  federation?: () => readonly FederatedFacts[];
  /** How the kinds stand that are read from the API. */
  kinds?: () => readonly object[];
  leader?: () => { readonly leads: boolean; readonly holder: string };
}

/** A kubelet tells the address of a new pod within a second or two. */
const startingMs = 10_000;
const mostStrangers = 1_024;

/** See the head of this file. */
export class InjectorView {
  readonly parts: InjectorParts = {};
  readonly metrics: ControlPlaneMetrics;
  /** Everything wrong with what the control plane itself works with. */
  readonly own: (() => readonly Problem[])[] = [];
  /** Why it is not ready; undefined when this stage is over. */
  waitsFor: (() => string | undefined) | undefined = () => 'the control plane is starting';
  readonly #config: InjectorConfig;
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  /** Addresses that are no pod's, and since when they have asked, on the monotonic clock. */
  readonly #strangers = new Map<string, number>();

  constructor(config: InjectorConfig, signal: AbortSignal, clock: Clock = systemClock) {
    this.#config = config;
    this.#signal = signal;
    this.#clock = clock;
    this.metrics = new ControlPlaneMetrics({
      version: VERSION,
      problems: () => countProblems(this.problems()),
      federation: () => this.parts.federation?.() ?? [],
      objects: () => this.parts.pipeline?.counts() ?? {},
      expiries: () =>
        (this.parts.live?.expiries() ?? []).map(each => ({
          ...each,
          notAfterS: each.notAfterMs / 1000,
        })),
    });
  }

  problems(): readonly Problem[] {
    return [...this.own.flatMap(each => each()), ...(this.parts.pipeline?.problems() ?? [])];
  }

  /** Undefined when proxies and the API server get their answers here. */
  notReady(): string | undefined {
    if (this.#signal.aborted) return 'the control plane is stopping';
    return this.waitsFor?.() ?? this.parts.webhook?.notReady();
  }

  /**
   * Why an address is told nothing of /debug, which names proxies, what they follow and what is wrong: pods have no business
   * there, Prometheus included. The API server, by which `weft` asks, is no pod, and who forwards a port comes from loopback.
   */
  closedTo(address: string): string | undefined {
    const from = address.replace(/^::ffff:/, '');
    if (/^127\.|^::1$/.test(from)) return undefined;
    const { pipeline } = this.parts;
    if (pipeline === undefined) return 'nothing is told before the configuration has been read';
    let starting = '';
    // A pod with the node's network has no address of its own in the mesh.
    for (const { namespace, name, addresses, awaitsAddress } of pipeline.mesh.workloads.values()) {
      if (addresses.includes(from))
        return `the pod ${namespace}/${name} may not ask this; use weft proxy-status, weft check or kubectl port-forward`;
      if (awaitsAddress) starting = `${namespace}/${name}`;
    }
    return this.#mayBe(starting, from);
  }

  /**
   * A pod may call before its kubelet has told its address. Who has been unknown for longer than that takes is none of these:
   * pods that never start must not close this to the API server.
   */
  #mayBe(starting: string, from: string): string | undefined {
    if (starting === '') return undefined;
    const now = this.#clock.monotonic();
    const since = this.#strangers.get(from);
    if (since !== undefined && now - since >= startingMs) return undefined;
    if (this.#strangers.size >= mostStrangers) this.#strangers.clear();
    if (since === undefined) this.#strangers.set(from, now);
    return `the pod ${starting} is starting and its address is not known yet, so that this may be it; ask again in ${startingMs / 1000} s`;
  }

  routes(): Routes {
    const { parts } = this;
    const routes: Routes = {
      '/ready': () => {
        const reason = this.notReady();
        return reason === undefined
          ? { body: { ready: true } }
          : { status: 503, body: { ready: false, reason } };
      },
      '/live': () => ({ body: { live: true } }),
      '/metrics': () => this.metrics.render(),
      '/debug/problems': () => ({ body: this.problems() }),
      '/debug/proxies': () => ({ body: parts.server?.status() ?? [] }),
      '/debug/authority': () => ({
        body: {
          ...authoritySummary(parts.live, this.#config, () => this.own.flatMap(each => each())),
          expiries: parts.live?.expiries() ?? [],
          certificate: parts.keeper?.report(),
        },
      }),
      '/debug/mesh': () => ({ body: parts.pipeline ? meshSummary(parts.pipeline) : {} }),
      '/debug/source': () => ({
        body: {
          source: this.#config.source,
          instance: this.#config.instance,
          ...parts.leader?.(),
          kinds: parts.kinds?.(),
        },
      }),
    };
    const paths = Object.keys(routes).filter(each => each.startsWith('/debug/'));
    return { ...routes, '/debug': () => ({ body: { paths } }) };
  }
}

function countProblems(problems: readonly Problem[]): Record<'error' | 'warning', number> {
  const counts = { error: 0, warning: 0 };
  for (const { severity } of problems) counts[severity]++;
  return counts;
}

/** Who signs now, or is waited for; `weft ca` reads it. */
function authoritySummary(
  live: Authority | undefined,
  { issuerFile }: InjectorConfig,
  waiting: () => readonly Problem[],
): object {
  if (live === undefined) {
    const issuer = issuerFile ? `the issuer of ${issuerFile}` : 'own';
    return { issuer, isElsewhere: Boolean(issuerFile), issuerRoot: '', roots: [], problems: waiting() };
  }
  const { name, isElsewhere, issuerRoot, roots, distrusted } = live;
  return {
    ...{ issuer: name, isElsewhere, issuerRoot, distrusted, roots: fingerprintsOf(roots) },
    problems: [...live.problems(), ...live.alarms()],
  };
}

function meshSummary(pipeline: Pipeline): object {
  const { mesh, hub } = pipeline;
  return {
    trustDomain: mesh.trustDomain,
    clusterDomain: mesh.clusterDomain,
    objects: pipeline.counts(),
    services: mesh.services.size,
    workloads: mesh.workloads.size,
    meshedWorkloads: [...mesh.workloads.values()].filter(each => each.meshed).length,
    peerPolicies: [...mesh.peerPolicies.values()].flat().length,
    trafficPolicies: [...mesh.trafficPolicies.values()].flat().length,
    followedResources: hub.size,
  };
}
