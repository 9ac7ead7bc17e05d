import { httpStatusOf } from '../../grpc/index.ts';
import type { TapEnd, TapItem } from '../../live/tap/index.ts';
import type { TappedRequest } from './join.ts';

/** What tap and top show of a request. */
export interface RequestRow {
  readonly atMs: number;
  readonly source: string;
  readonly destination: string;
  readonly what: TapItem['what'];
  readonly protocol: TapItem['protocol'];
  readonly method: string;
  readonly path: string;
  /** 0: none; undefined for connections. */
  readonly status: number | undefined;
  /** How a gRPC call ended. */
  readonly grpcStatus: number | undefined;
  readonly flag: string;
  readonly detail: string;
  /** As the caller's proxy saw it, where that is tapped. */
  readonly durationMs: number;
  /** As the callee's did. */
  readonly serverMs: number | undefined;
  /** Both ends proved who they are; undefined where nobody knows. */
  readonly mtls: boolean | undefined;
  readonly attempts: number;
  readonly id: string;
}

/** The row of a request. The caller's side knows what the caller got; the callee's who it is that called. */
export function rowOf({ client, server }: TappedRequest): RequestRow {
  const first = (client ?? server)!;
  // What the callee's proxy refused has its reason there; what never reached it, at the caller's.
  const { flag, detail = '' } = server?.flag ? server : first;
  const proven = server ? server.source.principal !== undefined : client?.destination.principal !== undefined;
  return {
    atMs: first.atMs,
    source: nameOf(client?.source, server?.source),
    destination: nameOf(server?.destination, client?.destination, first.destination.host),
    what: first.what,
    protocol: first.protocol,
    method: first.method ?? methodOf(first),
    path: first.path ?? pathOf(first),
    status: first.status,
    grpcStatus: first.grpcStatus,
    flag,
    detail,
    durationMs: first.durationMs,
    serverMs: client && server ? server.durationMs : undefined,
    mtls:
      client && !server && client.attempts === 0 ? undefined : first.what === 'mirror' ? undefined : proven,
    attempts: client?.attempts ?? 1,
    id: first.id,
  };
}

/** In place of a method: what it is. */
function methodOf({ what, protocol }: TapItem): string {
  if (what === 'refusal') return 'REFUSED';
  return what === 'mirror' ? 'MIRROR' : protocol === 'tcp' ? 'TCP' : '-';
}

/** In place of a path: why a refusal was made. */
function pathOf({ what, reason = '-' }: TapItem): string {
  return what === 'refusal' ? reason : '-';
}

/** Whether it went well: as the metrics have it, all but 5xx; and it was not cut off. */
export function succeeded({ status, grpcStatus = 0, flag, what }: RequestRow): boolean {
  if (what !== undefined || (grpcStatus > 0 && httpStatusOf(grpcStatus) >= 500)) return false;
  return status === undefined ? flag === '' : status > 0 && status < 500;
}

/** The workload; where nobody knows it the identity, the name that was asked for, or the address. */
function nameOf(near: TapEnd | undefined, far: TapEnd | undefined, host?: string): string {
  const principal = near?.principal ?? far?.principal;
  return (
    near?.workload ??
    far?.workload ??
    host ??
    shortIdentity(principal) ??
    near?.address ??
    far?.address ??
    '?'
  );
}

function shortIdentity(principal: string | undefined): string | undefined {
  const [, namespace, account] = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/(.+)$/.exec(principal ?? '') ?? [];
  return account === undefined ? undefined : `${namespace}/${account}`;
}

/** `0.4ms`, `12.3ms`, `250ms`, `1.25s` */
export function latencyText(ms: number): string {
  if (ms < 100) return `${ms.toFixed(1)}ms`;
  return ms < 1_000 ? `${Math.round(ms)}ms` : `${(ms / 1_000).toFixed(2)}s`;
}
