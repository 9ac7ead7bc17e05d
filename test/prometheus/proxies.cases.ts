import { type AlertCases, growing, ofPod, steady } from './case.ts';

const pod = { namespace: 'shop', pod: 'web-1' };
const refused = ofPod('weft_inbound_refused_total', { port: '8080', reason: 'plaintext' });
const pressure = (stage: string): string => ofPod('weft_memory_pressure', { stage });
const errors = (where: string): string => ofPod('weft_internal_errors_total', { where });
const overflows = ofPod('weft_metric_overflows_total', { family: 'requests' });
const build = (job: string): string =>
  ofPod('istio_build', { component: 'agent', tag: 'weft-0.1.0', job, instance: '10.0.0.1:15020' });

/** Alerts about proxies. */
export const proxyCases: readonly AlertCases[] = [
  {
    alert: 'WeftInboundRefused',
    fires: [
      {
        name: 'one a second',
        series: { [refused]: growing(60) },
        atMinutes: 30,
        labels: { ...pod, port: '8080', reason: 'plaintext' },
        value: '1',
      },
    ],
    quiet: [{ name: 'three a minute', series: { [refused]: growing(3) }, atMinutes: 30 }],
  },
  {
    alert: 'WeftPassedUnknown',
    fires: [
      {
        name: 'one a second',
        series: { [ofPod('weft_discovery_timeouts_total')]: growing(60) },
        atMinutes: 30,
        labels: pod,
        value: '1',
      },
    ],
    quiet: [
      {
        name: 'it did, at its start',
        series: { [ofPod('weft_discovery_timeouts_total')]: steady(4) },
        atMinutes: 30,
      },
    ],
  },
  {
    alert: 'WeftProxyShortOfMemory',
    fires: [
      { name: 'it refuses now', series: { [pressure('refuse')]: steady(1) }, atMinutes: 10, labels: pod },
      {
        name: 'it did between two scrapes',
        series: {
          [pressure('refuse')]: steady(0),
          [ofPod('weft_memory_pressure_total', { stage: 'refuse' })]: '0+0x5 1+0x10',
        },
        atMinutes: 10,
        labels: pod,
      },
    ],
    quiet: [
      {
        name: 'it only slows down',
        series: {
          [pressure('slow')]: steady(1),
          [pressure('refuse')]: steady(0),
          [ofPod('weft_memory_pressure_total', { stage: 'slow' })]: growing(1),
        },
        atMinutes: 10,
      },
    ],
  },
  {
    alert: 'WeftInternalErrors',
    fires: [
      {
        name: 'the first one',
        series: { [errors('none')]: '0+0x10 _x30', [errors('tls')]: '_x10 1+0x30' },
        atMinutes: 12,
        labels: { ...pod, where: 'tls' },
      },
      {
        name: 'more of a kind',
        series: { [errors('tls')]: growing(1) },
        atMinutes: 30,
        labels: { ...pod, where: 'tls' },
      },
    ],
    quiet: [
      { name: 'none', series: { [errors('none')]: steady(0) }, atMinutes: 30 },
      { name: 'one, half an hour ago', series: { [errors('tls')]: steady(1) }, atMinutes: 40 },
    ],
  },
  {
    alert: 'WeftSeriesOverflow',
    fires: [
      { name: 'series', series: { [overflows]: growing(1) }, atMinutes: 40, labels: pod },
      {
        name: 'names of one identity',
        series: { [overflows]: steady(0), [ofPod('weft_peer_overflows_total')]: growing(1) },
        atMinutes: 40,
        labels: pod,
      },
    ],
    quiet: [
      {
        name: 'none for an hour',
        series: { [overflows]: steady(5), [ofPod('weft_peer_overflows_total')]: steady(9) },
        atMinutes: 60,
      },
    ],
  },
  {
    alert: 'WeftMetricsLeftOut',
    fires: [
      {
        name: 'seven samples',
        series: { [ofPod('weft_metrics_left_out')]: steady(7) },
        atMinutes: 15,
        labels: pod,
        value: '7',
      },
    ],
    quiet: [{ name: 'none', series: { [ofPod('weft_metrics_left_out')]: steady(0) }, atMinutes: 15 }],
  },
  {
    alert: 'WeftAppMetricsMissing',
    fires: [
      {
        name: 'for twenty minutes',
        series: { [ofPod('weft_app_metrics_up')]: steady(0) },
        atMinutes: 20,
        labels: pod,
      },
    ],
    quiet: [
      { name: 'while it starts', series: { [ofPod('weft_app_metrics_up')]: '0+0x5 1+0x30' }, atMinutes: 20 },
    ],
  },
  {
    alert: 'WeftScrapedTwice',
    fires: [
      {
        name: 'by annotation and by PodMonitor',
        series: { [build('pods')]: steady(1), [build('weft-system/weft-proxies')]: steady(1) },
        atMinutes: 20,
        labels: pod,
        value: '2',
      },
    ],
    quiet: [
      {
        name: 'once, beside a control plane',
        series: {
          [build('pods')]: steady(1),
          [ofPod('istio_build', { pod: 'weft-injector-1', component: 'pilot', tag: 'weft-0.1.0' })]:
            steady(1),
        },
        atMinutes: 20,
      },
    ],
  },
];
