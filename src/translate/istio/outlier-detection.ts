import type { OutlierSettings } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';

/**
 * The block says which rules hold: what it leaves out is off, but for five 5xx in a row (Envoy's default, which Istio leaves
 * in place). Percentages it leaves out stay at Weft's own defaults.
 */
export function readOutlier(detection: Fields): Partial<OutlierSettings> {
  // Istio took the old field for gateway errors alone, and so for no 5xx.
  const deprecated = detection.number('consecutiveErrors');
  const gateway = detection.number('consecutiveGatewayErrors');
  const outlier: Partial<OutlierSettings> = {
    enabled: true,
    consecutive5xx: detection.number('consecutive5xxErrors') ?? (deprecated ? 0 : 5),
    consecutiveGatewayErrors: gateway ?? deprecated ?? 0,
    consecutiveConnectFailures: readLocalFailures(detection),
    ...given({
      intervalMs: detection.duration('interval', 1),
      baseEjectionTimeMs: detection.duration('baseEjectionTime', 1),
      maxEjectionPercent: detection.number('maxEjectionPercent', { max: 100 }) || undefined,
      panicThresholdPercent: detection.number('minHealthPercent', { max: 100 }),
    }),
  };
  detection.rest();
  return outlier;
}

/** How many connect failures in a row; 0, which is off, unless they are told apart (Envoy then says five). */
function readLocalFailures(detection: Fields): number {
  const failures = detection.number('consecutiveLocalOriginFailures');
  if (detection.flag('splitExternalLocalOriginErrors')) {
    // They count twice here, which ejects no later than Envoy does.
    detection.unsupported('splitExternalLocalOriginErrors', 'connect failures still count as 5xx too');
    return failures || 5;
  }
  if (failures)
    detection.unsupported(
      'consecutiveLocalOriginFailures',
      'without splitExternalLocalOriginErrors it has no effect, as in Istio; connect failures count as 5xx',
    );
  return 0;
}
