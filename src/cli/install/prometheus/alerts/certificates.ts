// Certificates of proxies, which renew themselves at half their life, and of the authority, which nobody renews unasked.
import type { Alert } from '../rule.ts';

const pod = '{{ $labels.namespace }}/{{ $labels.pod }}';
const runbook =
  '`weft check` tests the authority, clocks and the way to the control plane (certificates, trust, clock, network-policies). The reason of ' +
  'each failed attempt is in the log: kubectl logs -n {{ $labels.namespace }} {{ $labels.pod }} -c weft-proxy.';
const authority = 'min by (role, serial) (weft_control_plane_authority_not_after_seconds - time())';

/** Alerts about identities. */
export const certificateAlerts: readonly Alert[] = [
  {
    alert: 'WeftCertificateRenewalFailing',
    expr: 'weft_certificate_failed_attempts >= 3',
    for: '5m',
    severity: 'warning',
    summary: `${pod} cannot renew its certificate`,
    description: `The last {{ $value | humanize }} attempts of the proxy of ${pod} to get a certificate failed. Traffic goes on with the one it has, until that runs out.`,
    runbook,
  },
  {
    alert: 'WeftCertificateExpiring',
    expr: 'weft_certificate_expires_seconds < 0.25 * weft_certificate_life_seconds and weft_certificate_expires_seconds > 0',
    for: '5m',
    severity: 'critical',
    summary: `the certificate of ${pod} runs out in {{ $value | humanizeDuration }}`,
    description: `It should have been renewed at half its life. Peers refuse ${pod} when it has run out.`,
    runbook,
  },
  {
    alert: 'WeftCertificateExpired',
    expr: 'weft_certificate_expires_seconds <= 0',
    for: '2m',
    severity: 'critical',
    summary: `${pod} has no valid certificate`,
    description: `The certificate of ${pod} has run out, or it never got one. Peers refuse it, and it takes no mutual TLS.`,
    runbook,
  },
  {
    alert: 'WeftAuthorityExpiringSoon',
    expr: `${authority} < 30 * 86400 and ${authority} >= 7 * 86400`,
    for: '1h',
    severity: 'warning',
    summary: 'a certificate of the authority runs out in {{ $value | humanizeDuration }}',
    description:
      'The {{ $labels.role }} with serial {{ $labels.serial }} runs out in {{ $value | humanizeDuration }}; nothing in the mesh can be trusted afterwards.',
    runbook:
      'See which one it is: `weft check` (certificates). Renew an intermediate of your own in the Secret cacerts; its proxies follow by themselves.',
  },
  {
    alert: 'WeftAuthorityExpiring',
    expr: `${authority} < 7 * 86400`,
    for: '5m',
    severity: 'critical',
    summary: 'a certificate of the authority runs out in {{ $value | humanizeDuration }}',
    description:
      'The {{ $labels.role }} with serial {{ $labels.serial }} runs out in less than a week; no proxy has a valid certificate afterwards.',
    runbook:
      'See which one it is: `weft check` (certificates). Renew an intermediate of your own in the Secret cacerts now; its proxies follow by themselves.',
  },
  {
    alert: 'WeftHandshakeFailures',
    expr: 'sum by (namespace, pod, direction) (rate(weft_handshake_failures_total[5m])) > 0.1',
    for: '10m',
    severity: 'warning',
    summary: `mutual TLS fails at ${pod}`,
    description: `{{ $value | humanize }} {{ $labels.direction }} handshakes per second fail at ${pod}: certificates that ran out, another trust domain, clocks that differ, or a client that is no proxy.`,
    runbook: `${runbook} What policies ask for: \`weft analyze -n {{ $labels.namespace }}\` (mtls-disabled-towards-strict, strict-refuses-caller).`,
  },
];
