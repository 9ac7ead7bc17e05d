import { type AlertCases, growing, ofPod, steady } from './case.ts';

const cluster = 'cart.shop:80';
const of = { namespace: 'shop', cluster_name: cluster };
const metric = (name: string, more: Readonly<Record<string, string>> = {}): string =>
  ofPod(name, { cluster_name: cluster, ...more });

/** Alerts about whom proxies call. */
export const upstreamCases: readonly AlertCases[] = [
  {
    alert: 'WeftEndpointsEjected',
    fires: [
      {
        name: 'one a minute',
        series: { [metric('weft_ejections_total', { reason: 'consecutive-5xx' })]: growing(1) },
        atMinutes: 30,
        labels: of,
        value: '10',
      },
    ],
    quiet: [
      {
        name: 'two at a release',
        series: { [metric('weft_ejections_total', { reason: 'consecutive-5xx' })]: '0 1 2+0x40' },
        atMinutes: 8,
      },
    ],
  },
  {
    alert: 'WeftHalfOfEndpointsEjected',
    fires: [
      {
        name: 'two of four',
        series: {
          [metric('weft_cluster_ejected')]: steady(2),
          [metric('weft_cluster_endpoints')]: steady(4),
        },
        atMinutes: 10,
        labels: of,
        value: '50%',
      },
    ],
    quiet: [
      {
        name: 'one of four',
        series: {
          [metric('weft_cluster_ejected')]: steady(1),
          [metric('weft_cluster_endpoints')]: steady(4),
        },
        atMinutes: 10,
      },
      {
        name: 'the only one',
        series: {
          [metric('weft_cluster_ejected')]: steady(1),
          [metric('weft_cluster_endpoints')]: steady(1),
        },
        atMinutes: 10,
      },
    ],
  },
  {
    alert: 'WeftOnlyUnreadyEndpoints',
    fires: [
      {
        name: 'two are kept',
        series: { [metric('weft_cluster_kept_unready')]: steady(2) },
        atMinutes: 10,
        labels: of,
        value: '2',
      },
    ],
    quiet: [
      { name: 'none is kept', series: { [metric('weft_cluster_kept_unready')]: steady(0) }, atMinutes: 10 },
    ],
  },
  {
    alert: 'WeftLimitReached',
    fires: [
      {
        name: 'one a second is refused',
        series: { [metric('weft_overflows_total')]: growing(60) },
        atMinutes: 20,
        labels: of,
        value: '1',
      },
    ],
    quiet: [{ name: 'it was, once', series: { [metric('weft_overflows_total')]: steady(5) }, atMinutes: 20 }],
  },
  {
    alert: 'WeftRetryBudgetExhausted',
    fires: [
      {
        name: 'one a second is left out',
        series: { [metric('weft_retry_budget_exhausted_total')]: growing(60) },
        atMinutes: 30,
        labels: of,
        value: '1',
      },
    ],
    quiet: [
      {
        name: 'for three minutes',
        series: { [metric('weft_retry_budget_exhausted_total')]: '0+60x3 180+0x40' },
        atMinutes: 15,
      },
    ],
  },
  {
    alert: 'WeftConnectFailures',
    fires: [
      {
        name: 'one a second fails',
        series: { [metric('weft_connect_failures_total')]: growing(60) },
        atMinutes: 30,
        labels: of,
        value: '1',
      },
    ],
    quiet: [
      {
        name: 'three a minute fail',
        series: { [metric('weft_connect_failures_total')]: growing(3) },
        atMinutes: 30,
      },
    ],
  },
];
