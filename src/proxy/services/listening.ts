import type { ServerOptions } from '../../http1/index.ts';
import type { ListenerOptions } from '../../model/index.ts';
import type { Http2Listening } from './http2-listening.ts';

/** How the connections of a listener are read and kept; one object for all of them. */
export interface Listening {
  readonly http1: ServerOptions;
  readonly http2: Http2Listening;
}

/** `usual`, with what a listener says itself. */
export function listeningAs(usual: Listening, options: ListenerOptions): Listening {
  const { headTimeoutMs, idleTimeoutMs, maxHeadBytes, maxFields, maxStreams } = options;
  const said = [headTimeoutMs, idleTimeoutMs, maxHeadBytes, maxFields, maxStreams];
  if (said.every(each => each === undefined)) return usual;
  const { http1, http2 } = usual;
  const times = {
    headTimeoutMs: headTimeoutMs ?? http1.headTimeoutMs,
    idleTimeoutMs: idleTimeoutMs ?? http1.idleTimeoutMs,
  };
  const own = http1.limits;
  const target = maxHeadBytes ?? own.maxTargetBytes;
  const limits = {
    ...own,
    maxHeaderBytes: maxHeadBytes ?? own.maxHeaderBytes,
    maxTargetBytes: Math.min(target, own.maxTargetBytes),
    maxHeaders: maxFields ?? own.maxHeaders,
  };
  const { stranger } = http2;
  const usualLimits = stranger.limits;
  const limits2 = {
    ...usualLimits,
    maxHeaderListBytes: maxHeadBytes ?? usualLimits.maxHeaderListBytes,
    maxFields: maxFields ?? usualLimits.maxFields,
    maxStreams: maxStreams ?? usualLimits.maxStreams,
  };
  return {
    http1: { ...http1, ...times, limits },
    http2: {
      ...http2,
      stranger: { ...stranger, ...times, limits: limits2 },
    },
  };
}
