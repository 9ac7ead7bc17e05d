// What calls to the API server in memory ask for, and its answers.
import type { ServerResponse } from 'node:http';
import { collectionPath, type ResourceType } from '../resource-type.ts';

/** One call that came in. */
export interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  /** Whom the caller acts for. */
  readonly impersonated: string | undefined;
  /** Of the body. */
  readonly contentType: string | undefined;
  readonly body: unknown;
}

export function selected(
  object: Record<string, unknown>,
  namespace: string | undefined,
  name: string | undefined,
): boolean {
  const metadata = object.metadata as { namespace?: string; name: string };
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  return name === undefined || metadata.name === name;
}

export function nameSelector(query: URLSearchParams): string | undefined {
  return /metadata\.name=([^,]+)/.exec(query.get('fieldSelector') ?? '')?.[1];
}

export function matchPath(
  type: ResourceType,
  path: string,
): { readonly namespace?: string; readonly name?: string } | undefined {
  const root = collectionPath(type).slice(0, -type.plural.length);
  if (!path.startsWith(root)) return undefined;
  const match = /^(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+))?$/.exec(path.slice(root.length));
  if (!match || match[2] !== type.plural) return undefined;
  return {
    ...(match[1] !== undefined && { namespace: match[1] }),
    ...(match[3] !== undefined && { name: match[3] }),
  };
}

/** Through the subresource nothing but the status is written. */
export function statusOnly(call: SeenCall): SeenCall {
  if (call.body === undefined) return call;
  const { metadata, status } = call.body as Record<string, unknown>;
  const version = (metadata as { resourceVersion?: string } | undefined)?.resourceVersion;
  return {
    ...call,
    body: { ...(version !== undefined && { metadata: { resourceVersion: version } }), status },
  };
}

export function idOf(type: ResourceType, namespace: string | undefined, name: string): string {
  return `${type.group} ${type.kind} ${namespace ?? ''}/${name}`;
}

export function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

export function refuse(
  response: ServerResponse,
  status: number,
  reason: string,
  message = `fake: ${reason || status}`,
  retryAfter?: number,
): void {
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter));
  send(response, status, { kind: 'Status', status: 'Failure', reason, message, code: status });
}
