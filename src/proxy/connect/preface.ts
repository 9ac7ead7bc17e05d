// What a Weft proxy says first on a mesh TLS connection, before the application's bytes: one line that names the port wanted and
// who the caller is. It costs no round trip, since it leaves with the first request. Identity is never taken from it: that is the
// certificate's.
import { isIP } from 'node:net';
import type { Peer } from '../../model/index.ts';
import { parseSpiffe } from '../../model/index.ts';

/** The content of a preface. */
export interface Preface {
  /** The port of the application that is wanted, on the address that was connected to. */
  readonly port: number;
  /** The caller, for metrics and logs. */
  readonly source: Peer;
  /** The caller's own address, for X-Forwarded-For; '' when it does not tell. */
  readonly address: string;
}

const magic = 'WEFT/1 ';
/** A longer preface is refused. */
export const MAX_PREFACE_BYTES = 4096;

/** The preface as bytes. */
export function encodePreface(preface: Preface): Buffer {
  const { workload, namespace, app, version, pod } = preface.source;
  return Buffer.from(
    `${magic}${JSON.stringify({ port: preface.port, address: preface.address, workload, namespace, app, version, pod })}\n`,
  );
}

/** What reading a preface gave: `end` is the offset after it. */
export type PrefaceResult =
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly reason: string }
  | { readonly kind: 'preface'; readonly preface: Preface; readonly end: number };

/** Reads the preface at the beginning of `bytes`, sent by a peer that proved to be `principal`. */
export function readPreface(bytes: Buffer, principal: string): PrefaceResult {
  const end = bytes.indexOf(0x0a);
  if ((end < 0 ? bytes.length : end) > MAX_PREFACE_BYTES)
    return { kind: 'bad', reason: 'the preface is too long' };
  if (end < 0) return { kind: 'more' };
  const line = bytes.toString('utf8', 0, end);
  if (!line.startsWith(magic))
    return { kind: 'bad', reason: 'the connection does not begin with WEFT/1; is the peer another version?' };
  let fields: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(line.slice(magic.length));
    if (typeof parsed !== 'object' || parsed === null)
      return { kind: 'bad', reason: 'the preface is not an object' };
    fields = parsed as Record<string, unknown>;
  } catch {
    return { kind: 'bad', reason: 'the preface is not JSON' };
  }
  const { port } = fields;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    return { kind: 'bad', reason: 'the preface names no valid port' };
  }
  const text = (name: string): string =>
    typeof fields[name] === 'string' ? (fields[name] as string).slice(0, 253) : '';
  const source: Peer = {
    workload: text('workload'),
    // The certificate's word counts, whatever the preface says.
    namespace: parseSpiffe(principal)?.namespace ?? '',
    app: text('app'),
    version: text('version'),
    pod: text('pod'),
    principal,
  };
  // It becomes a header: a peer must not be able to write lines of its own into requests, such as another's identity.
  const address = isIP(text('address')) === 0 || text('address').includes('%') ? '' : text('address');
  return { kind: 'preface', preface: { port, source, address }, end: end + 1 };
}
