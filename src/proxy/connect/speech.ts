// What is spoken on a connection to an upstream, and how that is told: by TLS, or by who knows the port.
import { ALPN } from '../../tls/index.ts';

/** `bytes`: whatever the two sides say to each other. `streams`: the same, for many connections of apps at once. */
export type Spoken = 'http1' | 'http2' | 'bytes' | 'streams';

/** The names in ALPN: between proxies, and with TLS servers elsewhere, where '' is none. */
export const ALPN_OF: Readonly<Record<Spoken, { readonly mesh: string; readonly elsewhere: string }>> = {
  http1: { mesh: ALPN.h1, elsewhere: 'http/1.1' },
  http2: { mesh: ALPN.h2, elsewhere: 'h2' },
  bytes: { mesh: ALPN.tcp, elsewhere: '' },
  streams: { mesh: ALPN.streams, elsewhere: '' },
};
