import { STATELESS } from '../../hpack/index.ts';
import { LINE_TIMEOUT_MS } from '../../http1/index.ts';
import { AnomalyCounts, type Http2ClientOptions, MESH_LIMITS } from '../../http2/index.ts';
import { type Http2Times, MESH_TABLE_BYTES, PREFACE_TIMEOUT_MS } from './http2-listening.ts';

/** Who is called: another proxy, an endpoint without TLS, or a server by its own TLS. */
export type Server = 'mesh' | 'plaintext' | 'origin';

/** How HTTP/2 is spoken to each kind of server; one object for all connections of that kind. */
export type Http2Dialling = Readonly<Record<Server, Http2ClientOptions>>;

/** Anomalies of all upstreams are counted together: which one it was stands in the log. */
export function http2Dialling(times: Http2Times): Http2Dialling {
  const plaintext = {
    ...times,
    limits: MESH_LIMITS,
    counts: new AnomalyCounts(),
    encoder: STATELESS,
    prefaceTimeoutMs: PREFACE_TIMEOUT_MS,
    headTimeoutMs: LINE_TIMEOUT_MS,
    secure: false,
    peerIsProxy: false,
  };
  return {
    mesh: { ...plaintext, encoder: { tableBytes: MESH_TABLE_BYTES, huffman: false }, peerIsProxy: true },
    plaintext,
    origin: { ...plaintext, secure: true },
  };
}
