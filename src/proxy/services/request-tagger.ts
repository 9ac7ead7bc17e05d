import type { SeriesTags } from '../../telemetry/index.ts';
import type { ObservedRequest, ObservedSession } from '../observation/observer.interface.ts';

export type { ObservedSession };

/** Says what tags of metrics come to, for those that Telemetry objects set by request. */
export interface RequestTagger {
  /** Never throws. */
  tagsOf(request: ObservedRequest): SeriesTags;
}

/** The same of connections that carry bytes nobody reads. */
export interface SessionTagger {
  /**
   * As the connection is when it is opened, or has failed to be: opening, closing and bytes count in one series. Never throws.
   */
  tagsOfSession(session: ObservedSession): SeriesTags;
}
