import { type AlertCases, growing, type SeriesTable, series, steady } from './case.ts';

const cart = { destination_service_namespace: 'shop', destination_service_name: 'cart' };
const requests = (labels: Readonly<Record<string, string>>): string =>
  series('istio_requests_total', { reporter: 'source', ...cart, ...labels });
const good = requests({ response_code: '200' });
const bad = requests({ response_code: '503' });

/** So many good and bad answers a minute. */
const answers = (goods: number, bads: number, minutes = 60): SeriesTable => ({
  [good]: growing(goods, minutes),
  [bad]: growing(bads, minutes),
});

/** Of each alert: the fast ones stay quiet at what the slow ones fire at. */
export const errorBudgetCases: readonly AlertCases[] = [
  {
    alert: 'WeftErrorBudgetBurn1h',
    fires: [
      { name: 'two percent fail', series: answers(98, 2), atMinutes: 30, labels: cart, value: '2%' },
      {
        name: 'two percent fail for callers without a proxy',
        series: {
          [requests({ reporter: 'destination', connection_security_policy: 'none', response_code: '200' })]:
            growing(98),
          [requests({ reporter: 'destination', connection_security_policy: 'none', response_code: '500' })]:
            growing(2),
        },
        atMinutes: 30,
        labels: cart,
        value: '2%',
      },
    ],
    quiet: [
      { name: 'one percent fails', series: answers(99, 1), atMinutes: 60 },
      {
        name: 'it has been over for ten minutes',
        series: { [good]: growing(98), [bad]: '0+5x40 200+0x20' },
        atMinutes: 52,
      },
      {
        name: 'one of ten failed in a quiet hour',
        series: { [good]: '0+0x30 9+0x30', [bad]: '0+0x30 1+0x30' },
        atMinutes: 35,
      },
      {
        name: 'clients go away, and are told that they ask wrongly',
        series: {
          [good]: growing(50),
          [requests({ response_code: '0', response_flags: 'DC' })]: growing(25),
          [requests({ response_code: '404' })]: growing(25),
        },
        atMinutes: 30,
      },
      {
        name: 'a host outside fails',
        series: {
          [series('istio_requests_total', {
            reporter: 'source',
            destination_service_name: 'PassthroughCluster',
            response_code: '503',
          })]: growing(60),
        },
        atMinutes: 30,
      },
    ],
  },
  {
    alert: 'WeftErrorBudgetBurn6h',
    fires: [{ name: 'one percent fails', series: answers(99, 1), atMinutes: 60, labels: cart, value: '1%' }],
    quiet: [{ name: 'half a percent fails', series: answers(199, 1), atMinutes: 60 }],
  },
  {
    alert: 'WeftErrorBudgetBurn1d',
    fires: [
      {
        name: 'four in a thousand fail',
        series: answers(249, 1, 300),
        atMinutes: 240,
        labels: cart,
        value: '0.4%',
      },
    ],
    quiet: [{ name: 'a quarter of a percent fails', series: answers(399, 1, 300), atMinutes: 240 }],
  },
  {
    alert: 'WeftErrorBudgetBurn3d',
    fires: [
      {
        name: 'two in a thousand fail',
        series: answers(499, 1, 400),
        atMinutes: 360,
        labels: cart,
        value: '0.2%',
      },
    ],
    quiet: [
      { name: 'what may fail fails', series: answers(1999, 1, 400), atMinutes: 360 },
      { name: 'nobody asks', series: { [good]: steady(7, 400), [bad]: steady(7, 400) }, atMinutes: 360 },
    ],
  },
];
