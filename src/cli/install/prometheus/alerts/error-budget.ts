// Multi-window, multi-burn-rate alerts on the error budget of each Service: https://sre.google/workbook/alerting-on-slos/, method
// 6. A long window says that it matters, a short one that it still goes on.
import { failureRatio, OBJECTIVE, type Window } from '../recordings.ts';
import type { Alert } from '../rule.ts';

interface Burn {
  readonly long: Window;
  readonly short: Window;
  readonly longSeconds: number;
  /** How many times faster than what lasts for thirty days. */
  readonly factor: number;
  readonly for: string;
  readonly severity: Alert['severity'];
  /** When nothing of the budget is left. */
  readonly gone: string;
}

const hour = 3600;
const burns: readonly Burn[] = [
  {
    long: '1h',
    short: '5m',
    longSeconds: hour,
    factor: 14.4,
    for: '2m',
    severity: 'critical',
    gone: '2 days',
  },
  {
    long: '6h',
    short: '30m',
    longSeconds: 6 * hour,
    factor: 6,
    for: '15m',
    severity: 'critical',
    gone: '5 days',
  },
  {
    long: '1d',
    short: '2h',
    longSeconds: 24 * hour,
    factor: 3,
    for: '1h',
    severity: 'warning',
    gone: '10 days',
  },
  {
    long: '3d',
    short: '6h',
    longSeconds: 72 * hour,
    factor: 1,
    for: '3h',
    severity: 'warning',
    gone: '30 days',
  },
];

/** One failure in a quiet hour is no reason to wake anybody. */
const leastFailures = 5;

function burnAlert({ long, short, longSeconds, factor, for: held, severity, gone }: Burn): Alert {
  const limit = `${factor} * (1 - scalar(${OBJECTIVE}))`;
  const service = '{{ $labels.destination_service_name }}.{{ $labels.destination_service_namespace }}';
  return {
    alert: `WeftErrorBudgetBurn${long}`,
    expr:
      `${failureRatio(long)} > ${limit}\n` +
      `and ${failureRatio(short)} > ${limit}\n` +
      `and avg_over_time(service:weft_failures:rate5m[${long}]) * ${longSeconds} >= ${leastFailures}`,
    for: held,
    severity,
    summary: `${service} fails {{ $value | humanizePercentage }} of its requests`,
    description:
      `Of the requests to ${service} {{ $value | humanizePercentage }} failed within ${long}, and it goes on. At this rate the error ` +
      `budget of thirty days is gone in ${gone} or less.`,
    runbook:
      'See what is wrong with policies and pods: `weft analyze -n {{ $labels.destination_service_namespace }}`. See where requests go and ' +
      'why: `weft route GET http://{{ $labels.destination_service_name }}.{{ $labels.destination_service_namespace }}/`. Which failures: ' +
      'istio_requests_total by response_flags, whose letters docs/errors.md explains; `-` is an answer of the application itself. The access ' +
      'log of the callers (container weft-proxy) names the reason of each.',
  };
}

/** The alerts, the fastest burn first. */
export const errorBudgetAlerts: readonly Alert[] = burns.map(burnAlert);
