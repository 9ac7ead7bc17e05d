// What startWebhook is given, and what it gives back. Everything is an interface: the process brings a registry, a
// CertificateKeeper, an API client; tests bring plain objects.
import type { HostPort, Labels } from '../../src/model/index.ts';
import type { Clock } from '../../src/time/index.ts';
import type { InjectOptions, NamespaceMarks } from '../inject/index.ts';
import type { EventSink } from './events.ts';

/** The part of telemetry's Log that this room uses. */
export interface WebhookLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What is injected, and what becomes of pods that inject refuses. */
export interface WebhookSettings {
  readonly inject: InjectOptions;
  /**
   * `deny`: a refused pod is not created, and its author reads why. `admit`: it is created without the proxy, with a
   * warning and an event. docs/decisions/admission.md says why `deny` is the default.
   */
  readonly refusedPods: 'deny' | 'admit';
}

/** A controller as a pod's ownerReferences name it. */
export interface OwnerRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid?: string;
}

/** What is known of the workload that a pod belongs to. */
export interface Owner {
  /** Of the workload; a CronJob's count for its Jobs too. */
  readonly annotations: Labels;
  /** What people know the workload by: the Deployment above the ReplicaSet. Events are written to it. */
  readonly top: OwnerRef;
}

/** Labels and annotations of namespaces. */
export interface Namespaces {
  /** What is known now; undefined when there is no such namespace. Rejects when nobody can tell. */
  get(name: string): NamespaceMarks | undefined | Promise<NamespaceMarks | undefined>;
  /** The same, read from the API server now: the registry may lag behind `kubectl label` by a moment. */
  fresh?(name: string): Promise<NamespaceMarks | undefined>;
}

/** Workloads of pods; undefined when unknown or not readable, which the pod's own and its namespace's marks then decide. */
export type Owners = (namespace: string, ref: OwnerRef) => Promise<Owner | undefined>;

/** The certificate that the server shows. identity's CertificateKeeper is one. */
export interface CertificateSource {
  /** Calls back with what is in use, if anything, and with every change. Returns how to stop. */
  subscribe(listener: (certificate: ServerCertificate) => void): () => void;
}

/** PEM of key and chain, leaf first. */
export interface ServerCertificate {
  readonly keyPem: string;
  readonly chainPem: string;
}

/** Who counts what happens; telemetry's WebhookMetrics is one. */
export interface WebhookObserver {
  /** One answer: `injected`, `skipped`, `denied`, `admitted`, `foreign`, `failed`, `bad-request`; `code` is the reason. */
  admission(outcome: string, code: string, durationMs: number): void;
  /** One event: `sent`, `repeated`, `limited`, `failed`. */
  event(outcome: string): void;
  /** A connection or a review was refused for the sake of the others: `code` is the reason. */
  refused(code: string): void;
}

/** Options of startWebhook. */
export interface WebhookOptions {
  /** How many connections there may be, in all and from one address, and how many bytes bodies hold together; for tests. */
  readonly connections?: { readonly total: number; readonly perAddress: number };
  readonly bodyBytes?: number;
  /** Port 0 for any. An empty host means every address of the machine. */
  readonly listen: HostPort;
  readonly clock: Clock;
  readonly log: WebhookLog;
  readonly signal: AbortSignal;
  /** Asked for each pod, so that settings may change while it runs. */
  readonly settings: () => WebhookSettings;
  readonly namespaces: Namespaces;
  readonly owners?: Owners;
  readonly certificate: CertificateSource;
  readonly events: EventSink;
  readonly observer?: WebhookObserver;
  /** Milliseconds for all look-ups about one pod; 2000 unless told. The API server gives up after 5 s. */
  readonly lookupMs?: number;
}

/** A webhook that answers. */
export interface RunningWebhook {
  readonly port: number;
  /** Why pods cannot be answered now; undefined when they can. */
  notReady(): string | undefined;
  /** Whether pods can be answered now. */
  ready(): boolean;
}
