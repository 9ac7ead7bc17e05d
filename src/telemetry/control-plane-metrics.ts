// The metrics of the control plane, through prom-client. Not in this room's index: a sidecar must not load it.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { internalErrors } from '../errors/index.ts';
import { RESOURCE_KINDS } from '../model/index.ts';
import { INTERNAL_ERRORS, INTERNAL_ERRORS_HELP } from './internal-errors.ts';

/** How a trust domain of somebody else stands. */
export interface FederatedFacts {
  readonly trustDomain: string;
  readonly roots: number;
  /** Seconds since its bundle was fetched; undefined where it is not, or never was. */
  readonly ageS?: number;
  readonly failures: number;
}

/** What is asked for at each scrape. */
export interface ControlPlaneFacts {
  /** Of weft. */
  readonly version: string;
  /** Problems of objects and sources, by severity. */
  problems(): Readonly<Record<'error' | 'warning', number>>;
  /** Trust domains of others whose workloads are let in. */
  federation?(): readonly FederatedFacts[];
  /** Objects by kind. */
  objects(): Readonly<Record<string, number>>;
  /** When certificates of the authority run out; seconds since the epoch. */
  expiries(): readonly { readonly role: string; readonly serial: string; readonly notAfterS: number }[];
}

/** The metrics, and who tells them what happens; it fits discovery's DiscoveryObserver. */
export class ControlPlaneMetrics {
  readonly #registry = new Registry();
  readonly #connected: Gauge;
  readonly #pushes: Counter<'kind'>;
  readonly #latency: Histogram<'kind'>;
  readonly #nacks: Counter<'kind'>;
  readonly #signed: Counter;
  readonly #refused: Counter<'code'>;
  readonly #slowed: Counter;
  readonly #joins: Counter<'outcome'>;
  readonly #refusedKeys: Counter;

  constructor(facts: ControlPlaneFacts) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#connected = new Gauge({
      name: 'weft_control_plane_connected_proxies',
      help: 'Proxies that follow resources now.',
      registers,
    });
    this.#pushes = new Counter({
      name: 'weft_control_plane_pushes_total',
      help: 'Resources sent to proxies.',
      labelNames: ['kind'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'weft_control_plane_push_latency_seconds',
      help: 'From when the control plane learned of a change to when a proxy had put it to use.',
      labelNames: ['kind'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    });
    this.#nacks = new Counter({
      name: 'weft_control_plane_nacks_total',
      help: 'Resources that proxies refused.',
      labelNames: ['kind'],
      registers,
    });
    for (const kind of RESOURCE_KINDS) {
      // A counter that begins with its first event has no rate for it: the first refusal in weeks would not be seen.
      this.#pushes.inc({ kind }, 0);
      this.#nacks.inc({ kind }, 0);
      this.#latency.zero({ kind });
    }
    this.#signed = new Counter({
      name: 'weft_control_plane_certificates_signed_total',
      help: 'Certificates issued to proxies.',
      registers,
    });
    this.#refused = new Counter({
      name: 'weft_control_plane_refusals_total',
      help: 'Connections and requests of proxies that were refused, by code.',
      labelNames: ['code'],
      registers,
    });
    this.#joins = new Counter({
      name: 'weft_control_plane_joins_total',
      help: 'Machines outside of the cluster: `joined` by token, `renewed` by certificate, or the code of a refusal.',
      labelNames: ['outcome'],
      registers,
    });
    this.#slowed = new Counter({
      name: 'weft_control_plane_slowed_streams_total',
      help: 'How often a proxy asked for more than its share and was read more slowly.',
      registers,
    });
    this.#refusedKeys = new Counter({
      name: 'weft_control_plane_refused_destinations_total',
      help: 'Destinations that proxies asked for and that were refused alone, for their name or their number.',
      registers,
    });
    new Counter({
      name: INTERNAL_ERRORS,
      help: INTERNAL_ERRORS_HELP,
      labelNames: ['where'],
      registers,
      collect() {
        this.reset();
        for (const [where, count] of internalErrors()) this.inc({ where }, count);
        if (internalErrors().size === 0) this.inc({ where: 'none' }, 0);
      },
    });
    this.#observe(facts);
  }

  /** Where other parts of the control plane add theirs. */
  get registry(): Registry {
    return this.#registry;
  }

  /** The Prometheus text and its content type. */
  async render(): Promise<{ readonly type: string; readonly body: string }> {
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  connected(by: number): void {
    this.#connected.inc(by);
  }

  pushed(kind: string): void {
    this.#pushes.inc({ kind });
  }

  acked(kind: string, latencyMs: number | undefined): void {
    if (latencyMs !== undefined) this.#latency.observe({ kind }, latencyMs / 1000);
  }

  nacked(kind: string): void {
    this.#nacks.inc({ kind });
  }

  signed(): void {
    this.#signed.inc();
  }

  refused(code: string): void {
    this.#refused.inc({ code });
  }

  join(outcome: string): void {
    this.#joins.inc({ outcome });
  }

  slowed(): void {
    this.#slowed.inc();
  }

  keyRefused(): void {
    this.#refusedKeys.inc();
  }

  #observe(facts: ControlPlaneFacts): void {
    const registers = [this.#registry];
    // By this Kiali and Istio's dashboards know which versions run; the control plane is `pilot` there.
    new Gauge({
      name: 'istio_build',
      help: 'Component and version of the mesh.',
      labelNames: ['component', 'tag'],
      registers,
    }).set({ component: 'pilot', tag: `weft-${facts.version}` }, 1);
    new Gauge({
      name: 'weft_control_plane_problems',
      help: 'Things wrong with objects and sources now.',
      labelNames: ['severity'],
      registers,
      collect() {
        for (const [severity, count] of Object.entries(facts.problems())) this.set({ severity }, count);
      },
    });
    new Gauge({
      name: 'weft_control_plane_objects',
      help: 'Objects that were read.',
      labelNames: ['kind'],
      registers,
      collect() {
        this.reset();
        for (const [kind, count] of Object.entries(facts.objects())) this.set({ kind }, count);
      },
    });
    new Gauge({
      name: 'weft_control_plane_authority_not_after_seconds',
      help: 'When a certificate of the authority runs out, in seconds since the epoch.',
      labelNames: ['role', 'serial'],
      registers,
      collect() {
        this.reset();
        for (const { role, serial, notAfterS } of facts.expiries()) this.set({ role, serial }, notAfterS);
      },
    });
    this.#observeFederation(() => facts.federation?.() ?? []);
  }

  #observeFederation(domains: () => readonly FederatedFacts[]): void {
    const gauge = (
      name: string,
      help: string,
      value: (domain: FederatedFacts) => number | undefined,
    ): void => {
      new Gauge({
        ...{ name, help, labelNames: ['trust_domain'], registers: [this.#registry] },
        collect() {
          this.reset();
          for (const each of domains()) {
            const found = value(each);
            if (found !== undefined) this.set({ trust_domain: each.trustDomain }, found);
          }
        },
      });
    };
    gauge(
      'weft_federated_roots',
      'Roots of another trust domain that are trusted for its names; 0 while none are known.',
      ({ roots }) => roots,
    );
    gauge(
      'weft_federated_bundle_age_seconds',
      'For how long the bundle of another trust domain has not been fetched.',
      ({ ageS }) => ageS,
    );
    new Counter({
      name: 'weft_federated_bundle_failures_total',
      help: 'Attempts to fetch the bundle of another trust domain that failed.',
      labelNames: ['trust_domain'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { trustDomain, failures } of domains()) this.inc({ trust_domain: trustDomain }, failures);
      },
    });
  }
}
