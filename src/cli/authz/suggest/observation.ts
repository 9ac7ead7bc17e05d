// What proxies saw, as a policy would look at it: out of live requests, the record that proxies keep, and lines of logs.
import type { TapItem } from '../../../live/tap/index.ts';
import type { Peer, ProxyRecord } from '../../../model/index.ts';
import { isRecord } from '../../../plain/index.ts';

/** A request, or a connection that nobody reads, at the proxy of who was called. */
export interface Observation {
  /** `namespace/workload`; '' where only the pod is known. */
  readonly callee: string;
  /** `namespace/pod`; ''. */
  readonly pod: string;
  /** SPIFFE id that mutual TLS has proven; '' in plaintext. */
  readonly caller: string;
  /** The caller's address, without its port. */
  readonly address: string;
  /** Of the workload; 0 where nobody says. */
  readonly port: number;
  readonly protocol: 'http' | 'grpc' | 'tcp';
  /** Both '' for connections; the path without its query. */
  readonly method: string;
  readonly path: string;
  /**
   * `refused`: a proxy did, so that nobody relies on it. `absent`: the app says that there is no such thing, or not for this
   * caller (401, 403, 404, 405). `served`: anything else, failures too.
   */
  readonly outcome: 'served' | 'absent' | 'refused';
}

/** Taps cut longer paths (live/tap/describe.ts), and records too: what stands there may be a beginning. */
const longest = 300;
const absent: ReadonlySet<number> = new Set([401, 403, 404, 405]);

/** Of a live request; undefined for what says nothing about the callee's side. */
export function observationOfTap(item: TapItem): Observation | undefined {
  if (item.direction !== 'inbound' || item.what === 'mirror') return undefined;
  const { source, destination, protocol, method = '', path = '', status, flag } = item;
  return {
    callee: destination.workload ?? '',
    pod: destination.pod ?? '',
    caller: source.principal ?? '',
    address: hostOf(source.address ?? ''),
    port: portOf(destination.address ?? destination.host ?? ''),
    protocol,
    method,
    path: pathOf(path),
    outcome: item.what === 'refusal' ? 'refused' : outcomeOf(status ?? 0, flag),
  };
}

/** Of what a proxy wrote down; `self`: whose proxy. */
export function observationOfRecord(record: ProxyRecord, self: Peer): Observation | undefined {
  if (record.direction !== 'inbound' || record.kind === 'mirror') return undefined;
  const { principal: caller, downstream, status, flag } = record;
  const base = {
    callee: self.workload === '' ? '' : `${self.namespace}/${self.workload}`,
    pod: self.pod === '' ? '' : `${self.namespace}/${self.pod}`,
    caller,
    address: hostOf(downstream),
  };
  const none = { method: '', path: '' };
  if (record.kind === 'refusal')
    return { ...base, ...none, port: record.port, protocol: 'http', outcome: 'refused' };
  if (record.kind === 'session') {
    const port = portOf(record.endpoint === '' ? record.cluster.name : record.endpoint);
    return { ...base, ...none, port, protocol: 'tcp', outcome: outcomeOf(0, flag) };
  }
  const { method, path, grpcStatus, destination } = record;
  return {
    ...base,
    port: destination?.port ?? 0,
    protocol: grpcStatus === undefined ? 'http' : 'grpc',
    method,
    path: pathOf(path),
    outcome: outcomeOf(status, flag),
  };
}

/**
 * Of a line of JSON: what `weft tap -o json` and `weft logs -o json` print. Undefined for lines that are about something else:
 * the outbound side, a proxy's own log.
 */
export function observationOfLine(text: string): Observation | undefined {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(line)) return undefined;
  if (isRecord(line.server)) return observationOfTap(line.server as unknown as TapItem);
  const { log, direction, pod, protocol, method, path, status, flags, peer, downstream, upstream } = line;
  if (log !== 'access' || direction !== 'inbound' || typeof pod !== 'string') return undefined;
  const text_ = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    callee: '',
    pod,
    caller: text_(peer),
    address: hostOf(text_(downstream)),
    port: portOf(text_(upstream)),
    protocol: protocol === 'TCP' ? 'tcp' : 'http',
    method: text_(method),
    path: pathOf(text_(path)),
    outcome: outcomeOf(Number(status) || 0, text_(flags) === '-' ? '' : text_(flags)),
  };
}

function outcomeOf(status: number, flag: string): Observation['outcome'] {
  if (flag === 'UAEX') return 'refused';
  return absent.has(status) ? 'absent' : 'served';
}

/** Without query and fragment; what was cut ends in the operator for any rest. */
function pathOf(target: string): string {
  const path = target.replace(/[?#].*$/s, '');
  return path.length < longest ? path : `${path.slice(0, path.lastIndexOf('/'))}/{**}`;
}

function portOf(address: string): number {
  return Number(/:(\d{1,5})$/.exec(address)?.[1] ?? 0);
}

function hostOf(address: string): string {
  return address.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1');
}
