import { type Http2ClientOptions, type Http2Options, SESSION_LIMITS } from '../../http2/index.ts';
import type { Http2Dialling } from './http2-dialling.ts';
import type { Http2Listening } from './http2-listening.ts';

/** How HTTP/2 is spoken between proxies on connections that carry sessions: one object for all that come, and all that go. */
export interface SessionCarriage {
  readonly listening: Http2Options;
  readonly dialling: Http2ClientOptions;
}

/** Their oddities are counted with those of other connections between proxies. */
export function sessionCarriage({ proxy }: Http2Listening, { mesh }: Http2Dialling): SessionCarriage {
  const { quietPeer } = proxy;
  return {
    listening: { ...proxy, limits: SESSION_LIMITS },
    // Sessions are silent for hours, and nobody but this side would notice that a callee's node is gone.
    dialling: { ...mesh, limits: SESSION_LIMITS, peerIsProxy: false, ...(quietPeer && { quietPeer }) },
  };
}
