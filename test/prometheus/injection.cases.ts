import { type AlertCases, growing, series, steady } from './case.ts';

const injector = (name: string, labels: Readonly<Record<string, string>> = {}, pod = '1'): string =>
  series(name, { namespace: 'weft-system', pod: `weft-injector-${pod}`, ...labels });
const outside = { workload_namespace: 'shop', code: 'missed' };
const admissions = (outcome: string): string =>
  injector('weft_webhook_admissions_total', { outcome, code: 'host-port' });
const times = (le: string): string => injector('weft_webhook_admission_seconds_bucket', { le });
const turnedAway = injector('weft_webhook_refusals_total', { code: 'too-many-reviews' });

/** Alerts about injection. */
export const injectionCases: readonly AlertCases[] = [
  {
    alert: 'WeftPodsOutsideMesh',
    fires: [
      {
        name: 'three, which two replicas have found',
        series: {
          [injector('weft_uninjected_pods', outside)]: steady(3),
          [injector('weft_uninjected_pods', outside, '2')]: steady(3),
        },
        atMinutes: 15,
        labels: outside,
        value: '3',
      },
    ],
    quiet: [
      {
        name: 'until their restart five minutes later',
        series: { [injector('weft_uninjected_pods', outside)]: '3+0x5 0+0x30' },
        atMinutes: 15,
      },
    ],
  },
  {
    alert: 'WeftInjectionRefused',
    fires: [
      {
        name: 'the first one that is denied',
        series: { [admissions('denied')]: '_x10 1+0x30' },
        atMinutes: 15,
        labels: { code: 'host-port' },
        value: '1',
      },
      {
        name: 'one a minute is let in without a proxy',
        series: { [admissions('admitted')]: growing(1) },
        atMinutes: 40,
        labels: { code: 'host-port' },
        value: '15',
      },
    ],
    quiet: [
      { name: 'one was, half an hour ago', series: { [admissions('denied')]: steady(1) }, atMinutes: 40 },
      { name: 'all are injected', series: { [admissions('injected')]: growing(5) }, atMinutes: 40 },
    ],
  },
  {
    alert: 'WeftWebhookTurnsAway',
    fires: [
      {
        name: 'one a second',
        series: { [turnedAway]: growing(60) },
        atMinutes: 20,
        labels: { code: 'too-many-reviews' },
        value: '1',
      },
    ],
    quiet: [{ name: 'it did, once', series: { [turnedAway]: steady(7) }, atMinutes: 20 }],
  },
  {
    alert: 'WeftWebhookSlow',
    fires: [
      {
        name: 'between one and two and a half seconds',
        series: { [times('1')]: growing(0), [times('2.5')]: growing(10), [times('+Inf')]: growing(10) },
        atMinutes: 30,
        labels: {},
        value: '2.485s',
      },
    ],
    quiet: [
      {
        name: 'below half a second',
        series: { [times('0.5')]: growing(10), [times('1')]: growing(10), [times('+Inf')]: growing(10) },
        atMinutes: 30,
      },
    ],
  },
];
