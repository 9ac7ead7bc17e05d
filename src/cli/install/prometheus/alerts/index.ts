// Every alert, a file for each noun.
import type { RuleGroup } from '../rule.ts';
import { certificateAlerts } from './certificates.ts';
import { controlPlaneAlerts } from './control-plane.ts';
import { errorBudgetAlerts } from './error-budget.ts';
import { injectionAlerts } from './injection.ts';
import { proxyAlerts } from './proxies.ts';
import { upstreamAlerts } from './upstreams.ts';

/** Groups of alerts. */
export const alerts: readonly RuleGroup[] = [
  { name: 'weft-error-budget', rules: errorBudgetAlerts },
  { name: 'weft-upstreams', rules: upstreamAlerts },
  { name: 'weft-certificates', rules: certificateAlerts },
  { name: 'weft-control-plane', rules: controlPlaneAlerts },
  { name: 'weft-injection', rules: injectionAlerts },
  { name: 'weft-proxies', rules: proxyAlerts },
];
