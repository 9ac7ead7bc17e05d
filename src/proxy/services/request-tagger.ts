import type { SeriesTags } from '../../telemetry/index.ts';
import type { ObservedRequest } from '../observation/observer.interface.ts';

/** Says what tags of metrics come to, for those that Telemetry objects set by request. */
export interface RequestTagger {
  /** Never throws. */
  tagsOf(request: ObservedRequest): SeriesTags;
}
