// What the page and its server say to each other. Types only: the page is compiled for browsers, the server for Node.
// Rates are per second, times milliseconds, shares 0 to 1. Keys of workloads, pods and services are `namespace/name`.

/** How grave something is; `ok` where nothing is wrong. */
export type Standing = 'ok' | 'warning' | 'error';

/** A line of the stream. The first is a `mesh`, the second the `figures` of now. */
export type StreamMessage =
  | { readonly type: 'mesh'; readonly mesh: PageMesh }
  | { readonly type: 'figures'; readonly figures: PageFigures };

/** The mesh as it is configured; sent whole when it changed. */
export interface PageMesh {
  readonly place: PagePlace;
  readonly namespaces: readonly PageNamespace[];
  /** Of large meshes only those of the namespaces that were asked for: see `grouped`. */
  readonly workloads: readonly PageWorkload[];
  readonly services: readonly PageService[];
  readonly policies: readonly PagePolicy[];
  readonly controlPlane: PageControlPlane;
  /** There are so many workloads that namespaces stand for them until one is opened. */
  readonly grouped: boolean;
}

/** Where the page is from. */
export interface PagePlace {
  readonly kind: 'sandbox' | 'cluster';
  /** Of the sandbox, or of the cluster's trust domain. */
  readonly name: string;
  readonly weft: string;
}

/** A namespace that has workloads. */
export interface PageNamespace {
  readonly name: string;
  readonly workloads: number;
  readonly pods: number;
  readonly meshedPods: number;
}

/** What runs the same pods under one name: a Deployment, say. */
export interface PageWorkload {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /** `Deployment`, `Job`, … */
  readonly kind: string;
  readonly app: string;
  readonly versions: readonly string[];
  readonly serviceAccount: string;
  readonly pods: readonly PagePod[];
  /** Keys of the services that it stands behind. */
  readonly services: readonly string[];
  /** What its proxies take in; undefined where none of its pods has one. */
  readonly mtls?: 'strict' | 'permissive' | 'disable';
}

/** A pod and its proxy. */
export interface PagePod {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly ready: boolean;
  readonly meshed: boolean;
  readonly addresses: readonly string[];
  readonly node?: string;
}

/** A Service, and where its requests go. */
export interface PageService {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly host: string;
  readonly external: boolean;
  readonly ports: readonly { readonly number: number; readonly name: string; readonly protocol: string }[];
  readonly endpoints: { readonly ready: number; readonly all: number };
  /** Keys of the workloads behind it. */
  readonly workloads: readonly string[];
  /** In the order in which they are looked at; empty where requests go to the Service itself. */
  readonly routes: readonly PageRoute[];
  /** What the analyzer found about it. */
  readonly problems: readonly PageProblem[];
}

/** One rule of a service. */
export interface PageRoute {
  readonly name: string;
  readonly from: PageObject;
  /** Where in the object it stands: `spec.http[1]`. */
  readonly path: string;
  /** In words; empty for every request. */
  readonly matches: readonly string[];
  /** In words, what becomes of requests where they are not sent on. */
  readonly answer?: string;
  readonly targets: readonly PageTarget[];
  /** What else it does, in words: `timeout 2 s`, `2 retries`. */
  readonly settings: readonly string[];
}

/** Where a share of a rule's requests goes. */
export interface PageTarget {
  readonly host: string;
  readonly subset?: string;
  /** As asked. */
  readonly share: number;
  /** Workloads that it leads to, each with the version where a subset picks one: what the share that was seen is counted by. */
  readonly workloads: readonly { readonly key: string; readonly version?: string }[];
}

/** An object that somebody wrote. */
export interface PageObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** File and line, where it was read from one. */
  readonly origin?: string;
}

/** An object of a policy's kind, and what became of it. */
export interface PagePolicy extends PageObject {
  /** `apiVersion` */
  readonly group: string;
  readonly standing: Standing;
  /** What its translation found, then what the analyzer did. */
  readonly problems: readonly PageProblem[];
}

/** Something wrong, with the remedy in its words. */
export interface PageProblem {
  /** `info`: worth knowing, and nothing wrong. */
  readonly severity: 'info' | 'warning' | 'error';
  readonly code: string;
  readonly message: string;
  readonly path?: string;
  readonly object?: PageObject;
}

/** How the control plane is. */
export interface PageControlPlane {
  readonly proxies: readonly PageProxy[];
  /** How many there are in all: of each replica `proxies` has at most 2,000. */
  readonly proxyCount: number;
  readonly certificates: readonly { readonly name: string; readonly notAfterMs: number }[];
  /** What is wrong, with objects and without; policies have theirs besides. */
  readonly problems: readonly PageProblem[];
  readonly objects: Readonly<Record<string, number>>;
}

/** A proxy, as the control plane sees its stream. */
export interface PageProxy {
  readonly pod: string;
  /** The replica of the control plane that it is connected to; left out where there can be one alone. */
  readonly replica?: string;
  readonly version: string;
  readonly principal: string;
  readonly connectedAtMs: number;
  readonly destinations: number;
  /** Sent and not answered yet. */
  readonly outstanding: number;
  /** What it refuses, and why. */
  readonly refused: readonly string[];
}

/** What was seen lately. */
export interface PageFigures {
  readonly atMs: number;
  /** The window that rates are over; 0 before the first two answers of proxies. */
  readonly seconds: number;
  /** Proxies that answered, of those that were asked. */
  readonly answered: number;
  readonly asked: number;
  readonly edges: readonly PageEdge[];
  readonly pods: readonly PagePodFigures[];
}

/** The golden signals of something. */
export interface Signals {
  readonly rps: number;
  /** Answered 5xx or not at all, per second. */
  readonly errors: number;
  /** Undefined without requests. */
  readonly p50?: number;
  readonly p90?: number;
  readonly p99?: number;
}

/** Who calls whom. Where namespaces stand for workloads both ends may be `namespace/*`. */
export interface PageEdge extends Signals {
  /** `unknown` for who is not of the mesh. */
  readonly from: string;
  readonly to: string;
  readonly toVersion: string;
  /** Key of the service that was called, or a host. */
  readonly service: string;
  readonly protocol: 'http' | 'tcp';
  /** Share of what came by mutual TLS. */
  readonly mtls: number;
  /** Bytes to the callee and back. */
  readonly sent: number;
  readonly received: number;
  /** TCP connections that are open, and those opened per second. */
  readonly connections: number;
  readonly opened: number;
  /** By response flag; retries that ran out, ejections and the like are among them. */
  readonly flags: Readonly<Record<string, number>>;
}

/** One pod: what came in, what went out, and how full it is. */
export interface PagePodFigures {
  readonly pod: string;
  readonly inbound: Signals;
  readonly outbound: Signals;
  readonly saturation: Saturation;
  /** Undefined where its proxy does not tell what it used. */
  readonly size?: PageSize;
}

/** What a proxy used at most, and what it should ask Kubernetes for. */
export interface PageSize {
  /** Of how long this is. */
  readonly seconds: number;
  readonly busiestCores: number;
  readonly peakBytes: number;
  readonly cpuRequestCores: number;
  readonly memoryRequestBytes: number;
  readonly memoryLimitBytes: number;
}

/** How full a proxy is. */
export interface Saturation {
  /** Share of the time that its event loop was at work. */
  readonly busy: number;
  readonly memoryBytes: number;
  /** Retries per second that its caller side made. */
  readonly retries: number;
  /** Endpoints that it holds ejected now. */
  readonly ejected: number;
  /** Requests that wait for a connection now. */
  readonly waiting: number;
}

/** Golden signals over time, of one workload or pod: columns of the same length, oldest first. */
export interface PageHistory {
  readonly atMs: readonly number[];
  readonly rps: readonly number[];
  readonly errors: readonly number[];
  readonly p50: readonly (number | null)[];
  readonly p90: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  readonly busy: readonly (number | null)[];
  readonly memoryBytes: readonly (number | null)[];
}

/** What a refusal says. */
export interface PageRefusal {
  /** Code of docs/errors.md. */
  readonly code: string;
  /** Names the thing and the remedy. */
  readonly error: string;
}
