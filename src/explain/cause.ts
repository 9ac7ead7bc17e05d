// What a cause is, and what causes are found from.
import type { ObjectRef, Peer, ProxyRecord, RecordedState, RequestRecord } from '../model/index.ts';
import type { Tools } from './tools.ts';

/** Why something failed. */
export interface Cause {
  /** One of docs/explain.md's table. */
  readonly code: string;
  /** One sentence, lowercase, without a full stop. */
  readonly words: string;
  /** Whose word it was, or whose trouble it is. */
  readonly object?: ObjectRef;
  /** What to do, as a sentence. */
  readonly remedy: string;
  /** What to type. */
  readonly commands: readonly string[];
}

/** A record, and whose it is. */
export interface Told<R extends ProxyRecord = ProxyRecord> {
  readonly record: R;
  readonly self: Peer;
  readonly state: RecordedState | undefined;
}

/** A row of a table of causes; the first whose `when` holds decides. */
export interface CauseRow<R extends ProxyRecord> {
  readonly code: string;
  readonly when: (told: Told<R>) => boolean;
  /** May have a more precise code. */
  readonly cause: (told: Told<R>, tools: Tools) => Omit<Cause, 'code'> & { readonly code?: string };
}

/** The first row that fits. */
export function firstThatFits<R extends ProxyRecord>(
  rows: readonly CauseRow<R>[],
  told: Told<R>,
  tools: Tools,
): Cause | undefined {
  const row = rows.find(({ when }) => when(told));
  return row && { code: row.code, ...row.cause(told, tools) };
}

/** A field for `Cause.object`, where there is one. */
export function withObject(object: ObjectRef | undefined): { readonly object?: ObjectRef } {
  return object === undefined ? {} : { object };
}

export function podRef(namespace: string, name: string): ObjectRef {
  return { apiVersion: 'v1', kind: 'Pod', namespace, name };
}

export function serviceRef(namespace: string, name: string): ObjectRef {
  return { apiVersion: 'v1', kind: 'Service', namespace, name };
}

/** The Service that was called; undefined for what is none. */
export function serviceOf({ cluster, destination }: RequestRecord): ObjectRef | undefined {
  if (cluster !== undefined && cluster.service !== '' && cluster.namespace !== '')
    return serviceRef(cluster.namespace, cluster.service);
  const [, name, namespace] = /^([^.]+)\.([^.]+)\.svc(?:\.|$)/.exec(destination?.host ?? '') ?? [];
  return name === undefined || namespace === undefined ? undefined : serviceRef(namespace, name);
}

/** What words name: `VirtualService reviews.shop (shop.yaml:12)`; undefined where they name none. */
export function refIn(words: string): ObjectRef | undefined {
  const match = /\b([A-Z][A-Za-z]+) ([a-z0-9][a-z0-9.-]*)\.([a-z0-9-]+)(?: \(([^()\s]+:\d+)\))?/.exec(words);
  if (match === null) return undefined;
  const [, kind = '', name = '', namespace = '', origin] = match;
  const apiVersion = GROUPS[kind];
  return apiVersion === undefined
    ? undefined
    : { apiVersion, kind, namespace, name, ...(origin && { origin }) };
}

const GROUPS: Readonly<Record<string, string>> = {
  VirtualService: 'networking.istio.io/v1',
  DestinationRule: 'networking.istio.io/v1',
  ServiceEntry: 'networking.istio.io/v1',
  Sidecar: 'networking.istio.io/v1',
  PeerAuthentication: 'security.istio.io/v1',
  AuthorizationPolicy: 'security.istio.io/v1',
  RequestAuthentication: 'security.istio.io/v1',
  EnvoyFilter: 'networking.istio.io/v1alpha3',
  HTTPRoute: 'gateway.networking.k8s.io/v1',
  Service: 'v1',
};

/** The URL that was asked for, as apps write it. */
export function urlOf({ authority, path, destination }: RequestRecord): string {
  return `http://${authority === '' ? (destination?.key ?? '') : authority}${path.startsWith('/') ? path : ''}`;
}
