import { type AlertCases, growing, ofPod, series, steady } from './case.ts';

const pod = { namespace: 'shop', pod: 'web-1' };
const root = { role: 'root', serial: '01' };
const authority = (serial = '01'): string =>
  series('weft_control_plane_authority_not_after_seconds', {
    namespace: 'weft-system',
    pod: 'weft-injector-1',
    role: 'root',
    serial,
  });
const day = 86_400;
const left = ofPod('weft_certificate_expires_seconds');
const life = ofPod('weft_certificate_life_seconds');
const failures = ofPod('weft_handshake_failures_total', { direction: 'inbound' });

/** Alerts about certificates; promtool's time begins at 0. */
export const certificateCases: readonly AlertCases[] = [
  {
    alert: 'WeftCertificateRenewalFailing',
    fires: [
      {
        name: 'five attempts',
        series: { [ofPod('weft_certificate_failed_attempts')]: steady(5) },
        atMinutes: 10,
        labels: pod,
        value: '5',
      },
    ],
    quiet: [
      {
        name: 'two attempts',
        series: { [ofPod('weft_certificate_failed_attempts')]: steady(2) },
        atMinutes: 10,
      },
    ],
  },
  {
    alert: 'WeftCertificateExpiring',
    fires: [
      {
        name: 'a fifth of a day is left',
        series: { [left]: '20000-60x60', [life]: steady(day) },
        atMinutes: 10,
        labels: pod,
        value: '5h 23m 20s',
      },
    ],
    quiet: [
      { name: 'a third is left', series: { [left]: '30000-60x60', [life]: steady(day) }, atMinutes: 10 },
      { name: 'of a short life', series: { [left]: steady(60), [life]: steady(120) }, atMinutes: 10 },
      { name: 'it has run out', series: { [left]: steady(-10), [life]: steady(day) }, atMinutes: 10 },
    ],
  },
  {
    alert: 'WeftCertificateExpired',
    fires: [{ name: 'nothing is left', series: { [left]: steady(0) }, atMinutes: 10, labels: pod }],
    quiet: [{ name: 'something is left', series: { [left]: steady(100) }, atMinutes: 10 }],
  },
  {
    alert: 'WeftAuthorityExpiringSoon',
    fires: [
      {
        name: 'in twenty days',
        series: { [authority()]: steady(20 * day, 120) },
        atMinutes: 90,
        labels: root,
        value: '19d 22h 30m 0s',
      },
    ],
    quiet: [
      { name: 'in forty days', series: { [authority()]: steady(40 * day, 120) }, atMinutes: 90 },
      {
        name: 'in six days, which is another alert',
        series: { [authority()]: steady(6 * day, 120) },
        atMinutes: 90,
      },
    ],
  },
  {
    alert: 'WeftAuthorityExpiring',
    fires: [
      {
        name: 'one of two in three days',
        series: { [authority()]: steady(3 * day), [authority('02')]: steady(3000 * day) },
        atMinutes: 10,
        labels: root,
        value: '2d 23h 50m 0s',
      },
    ],
    quiet: [{ name: 'in eight days', series: { [authority()]: steady(8 * day) }, atMinutes: 10 }],
  },
  {
    alert: 'WeftHandshakeFailures',
    fires: [
      {
        name: 'one a second',
        series: { [failures]: growing(60) },
        atMinutes: 30,
        labels: { ...pod, direction: 'inbound' },
        value: '1',
      },
    ],
    quiet: [{ name: 'three a minute', series: { [failures]: growing(3) }, atMinutes: 30 }],
  },
];
