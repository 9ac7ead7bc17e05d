import { isRecord } from '../plain/index.ts';
import type { ApiObject } from './client.ts';

/** One page of a list. */
export interface ListPage {
  readonly items: readonly ApiObject[];
  readonly version: string;
  readonly next?: string;
}

/** Undefined where it is no list. */
export function readList(page: ApiObject): ListPage | undefined {
  const { metadata, items } = page;
  if (!isRecord(metadata) || typeof metadata.resourceVersion !== 'string') return undefined;
  // Go writes an empty list of some kinds as null.
  if (items !== null && items !== undefined && !(Array.isArray(items) && items.every(isRecord)))
    return undefined;
  const next =
    typeof metadata.continue === 'string' && metadata.continue !== '' ? metadata.continue : undefined;
  return {
    items: (items ?? []) as readonly ApiObject[],
    version: metadata.resourceVersion,
    ...(next !== undefined && { next }),
  };
}

/** `namespace/name`, or the name alone; undefined for what has none. */
export function keyOfItem(item: ApiObject): string | undefined {
  const { metadata } = item;
  if (!isRecord(metadata) || typeof metadata.name !== 'string' || metadata.name === '') return undefined;
  return typeof metadata.namespace === 'string' && metadata.namespace !== ''
    ? `${metadata.namespace}/${metadata.name}`
    : metadata.name;
}
