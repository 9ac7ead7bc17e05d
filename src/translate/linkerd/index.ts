// linkerd: Linkerd's own objects as parts of the mesh. Pure. ServiceProfiles: routes of a Service with retries, timeouts, metrics
// and response classes, its retry budget, and where its traffic goes instead. docs/policies/linkerd.md lists every field.
import type { KindTranslator } from '../dialect.ts';
import { serviceProfileTranslator } from './service-profile.ts';

/** The kinds of Linkerd's own that Weft reads. Its HTTPRoute is Gateway API's: see gateway/. */
export const linkerd: readonly KindTranslator[] = [serviceProfileTranslator];
