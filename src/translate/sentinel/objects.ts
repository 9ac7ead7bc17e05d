// The objects that a file of the dialect becomes, so that it goes the way of all configuration: source → registry → translate.
// They are made by a gateway for itself; no API server knows them.
import { objectKey } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { SentinelFiles } from './files.ts';

export const SENTINEL_API = 'sentinel.weft.dev/v1';

/** Kinds as the registry names them. */
export const SENTINEL_KINDS = {
  configuration: 'SentinelConfiguration.sentinel.weft.dev',
  endpoints: 'SentinelEndpoints.sentinel.weft.dev',
} as const;

/** The name of a gateway that a file describes, and of the object that holds it. */
export const SENTINEL_NAME = 'sentinel';

/** The Service that answers what the gateway answers itself; no upstream is called like this. */
export const BUILTIN_NAME = '_builtin';

/** The field that names, to the gateway itself, the route whose files are asked for. Rules set it or take it out, always. */
export const FILES_FIELD = 'x-sentinel-files';

/** Files of a configuration, to be translated. */
export function configurationObject(namespace: string, files: SentinelFiles): KubeObject {
  return {
    apiVersion: SENTINEL_API,
    kind: 'SentinelConfiguration',
    metadata: { namespace, name: SENTINEL_NAME },
    spec: files,
  };
}

/** An address of an upstream. */
export interface EndpointEntry {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly zone?: string;
  readonly maxRequests?: number;
  readonly healthy: boolean;
}

/** The endpoints of an upstream as they are now. */
export function endpointsObject(
  namespace: string,
  upstream: string,
  endpoints: readonly EndpointEntry[],
): KubeObject {
  return {
    apiVersion: SENTINEL_API,
    kind: 'SentinelEndpoints',
    metadata: { namespace, name: upstream },
    spec: { endpoints },
  };
}

/** The name of a certificate's Secret, by its listener and place, or by what its files in a folder are called. */
export function certificateName(listener: string, index: number, stem?: string): string {
  if (stem === undefined) return `listener.${listener}.${index}`;
  const safe = stem.replace(/[^A-Za-z0-9.-]/gu, each => `_${each.codePointAt(0)!.toString(16)}_`);
  return `listener.${listener}.folder.${safe}`;
}

/** The name of what belongs to a certificate that is fetched: its issuer, its Secret; with `-account` and `-dns` theirs. */
export function acmeName(listener: string, index: number): string {
  return `acme.${listener}.${index}`;
}

/** Of the authorities that clients of a listener are checked by. */
export function authoritiesName(listener: string): string {
  return `listener.${listener}.clients`;
}

/** A Secret of texts; one that cannot be read has none, so that whoever names it is told. */
export function secretObject(
  namespace: string,
  name: string,
  stringData: Readonly<Record<string, string>>,
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    type: 'kubernetes.io/tls',
    stringData,
  };
}

/** What routes name an upstream by. A colon, which is in names of namespaces alone, would begin a port; `~` is in no name. */
export function upstreamHost(upstream: string): string {
  return `${upstream.toLowerCase().replaceAll(':', '~')}.upstream.sentinel`;
}

/** Key of the Service of an upstream. */
export function upstreamService(namespace: string, upstream: string): string {
  return objectKey({ namespace, name: upstream });
}
