import type { CorsPolicy, TextMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';
import { readTextMatch } from '../text-match.ts';

/** Istio's CorsPolicy. */
export function readCors(cors: Fields, report: Report): CorsPolicy {
  const origins = cors.objects('allowOrigins').flatMap(each => readTextMatch(each, report) ?? []);
  const older = cors.texts('allowOrigin').map((value): TextMatch => ({ kind: 'exact', value }));
  const maxAgeMs = cors.duration('maxAge');
  const unmatched = cors.choice('unmatchedPreflights', ['UNSPECIFIED', 'FORWARD', 'IGNORE']);
  const policy: CorsPolicy = {
    // The older list counts only where the newer is empty.
    origins: origins.length > 0 ? origins : older,
    methods: cors.texts('allowMethods'),
    headers: cors.texts('allowHeaders'),
    exposeHeaders: cors.texts('exposeHeaders'),
    ...(maxAgeMs !== undefined && { maxAgeSeconds: Math.floor(maxAgeMs / 1000) }),
    credentials: cors.flag('allowCredentials') ?? false,
    forwardUnmatchedPreflights: unmatched !== 'IGNORE',
  };
  cors.rest();
  if (policy.origins.length === 0) {
    const path = cors.at('allowOrigins');
    report.warn('field-not-supported', path, `${path} is empty, so that no origin is allowed; name some`);
  }
  return policy;
}
