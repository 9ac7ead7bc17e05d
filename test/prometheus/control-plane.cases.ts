import { type AlertCases, growing, ofPod, type SeriesTable, series, steady } from './case.ts';

const pod = { namespace: 'shop', pod: 'web-1' };
const injector = (name: string, labels: Readonly<Record<string, string>> = {}): string =>
  series(name, { namespace: 'weft-system', pod: 'weft-injector-1', ...labels });
const connected = (name: string): string => ofPod('weft_control_plane_connected', { pod: name });
const build = (name: string, tag: string): string =>
  ofPod('istio_build', { pod: name, component: 'agent', tag });

/** Ten a minute, all of them between two bounds. */
function latencies(name: string, below: string, above: string): SeriesTable {
  const bucket = (le: string): string => injector(name, { kind: 'endpoints', le });
  return { [bucket(below)]: growing(0), [bucket(above)]: growing(10), [bucket('+Inf')]: growing(10) };
}
const pushes = 'weft_control_plane_push_latency_seconds_bucket';

/** Alerts about the control plane. */
export const controlPlaneCases: readonly AlertCases[] = [
  {
    alert: 'WeftControlPlaneDown',
    fires: [
      {
        name: 'only proxies are there',
        series: { [connected('web-1')]: steady(1) },
        atMinutes: 10,
        labels: {},
      },
    ],
    quiet: [
      {
        name: 'one replica is there',
        series: { [injector('weft_control_plane_connected_proxies')]: steady(0) },
        atMinutes: 10,
      },
    ],
  },
  {
    alert: 'WeftMostProxiesLostControlPlane',
    fires: [
      {
        name: 'two of three',
        series: { [connected('a')]: steady(0), [connected('b')]: steady(0), [connected('c')]: steady(1) },
        atMinutes: 10,
        labels: {},
        value: '33.33%',
      },
    ],
    quiet: [
      {
        name: 'one of three',
        series: { [connected('a')]: steady(0), [connected('b')]: steady(1), [connected('c')]: steady(1) },
        atMinutes: 10,
      },
    ],
  },
  {
    alert: 'WeftProxyLostControlPlane',
    fires: [
      { name: 'for six minutes', series: { [connected('web-1')]: steady(0) }, atMinutes: 6, labels: pod },
    ],
    quiet: [
      { name: 'for two minutes', series: { [connected('web-1')]: steady(0) }, atMinutes: 2 },
      { name: 'it has not', series: { [connected('web-1')]: steady(1) }, atMinutes: 10 },
    ],
  },
  {
    alert: 'WeftConfigurationOld',
    fires: [
      {
        name: 'of an hour and a half',
        series: { [ofPod('weft_configuration_age_seconds')]: '3600+60x60' },
        atMinutes: 30,
        labels: pod,
        value: '1h 30m 0s',
      },
    ],
    quiet: [
      {
        name: 'of fifty minutes',
        series: { [ofPod('weft_configuration_age_seconds')]: '0+60x50' },
        atMinutes: 50,
      },
    ],
  },
  {
    alert: 'WeftProxyRefusesConfiguration',
    fires: [
      {
        name: 'one a minute',
        series: { [ofPod('weft_refused_resources_total')]: growing(1) },
        atMinutes: 20,
        labels: pod,
        value: '10',
      },
    ],
    quiet: [
      { name: 'it did, once', series: { [ofPod('weft_refused_resources_total')]: steady(3) }, atMinutes: 20 },
    ],
  },
  {
    alert: 'WeftPushSlow',
    fires: [
      {
        name: 'between five and ten seconds',
        series: latencies(pushes, '5', '10'),
        atMinutes: 30,
        labels: {},
        value: '9.95s',
      },
    ],
    quiet: [
      {
        name: 'between one and two and a half seconds',
        series: latencies(pushes, '1', '2.5'),
        atMinutes: 30,
      },
    ],
  },
  {
    alert: 'WeftControlPlaneRefuses',
    fires: [
      {
        name: 'one a second',
        series: { [injector('weft_control_plane_refusals_total', { code: 'token-expired' })]: growing(60) },
        atMinutes: 30,
        labels: { code: 'token-expired' },
        value: '1',
      },
    ],
    quiet: [
      {
        name: 'three a minute',
        series: { [injector('weft_control_plane_refusals_total', { code: 'token-expired' })]: growing(3) },
        atMinutes: 30,
      },
    ],
  },
  {
    alert: 'WeftPolicyProblems',
    fires: [
      {
        name: 'two errors',
        series: { [injector('weft_control_plane_problems', { severity: 'error' })]: steady(2) },
        atMinutes: 20,
        labels: {},
        value: '2',
      },
    ],
    quiet: [
      {
        name: 'warnings alone',
        series: {
          [injector('weft_control_plane_problems', { severity: 'error' })]: steady(0),
          [injector('weft_control_plane_problems', { severity: 'warning' })]: steady(5),
        },
        atMinutes: 20,
      },
    ],
  },
  {
    alert: 'WeftVersionsDiffer',
    fires: [
      {
        name: 'for more than a day',
        series: {
          [build('a', 'weft-0.1.0')]: steady(1, 1600),
          [build('b', 'weft-0.2.0')]: steady(1, 1600),
        },
        atMinutes: 1500,
        labels: {},
        value: '2',
      },
    ],
    quiet: [
      {
        name: 'an upgrade is under way',
        series: { [build('a', 'weft-0.1.0')]: steady(1), [build('b', 'weft-0.2.0')]: steady(1) },
        atMinutes: 60,
      },
      {
        name: 'the other one is Istio’s',
        series: { [build('a', 'weft-0.1.0')]: steady(1, 1600), [build('b', '1.31.0')]: steady(1, 1600) },
        atMinutes: 1500,
      },
    ],
  },
];
