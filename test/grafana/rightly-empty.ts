// Panels that show nothing while all is well, which is what they are for. The run with faults fills every one of them.
export const RIGHTLY_EMPTY: Readonly<Record<string, readonly string[]>> = {
  'Weft / Mesh': [
    // Series come with the first failure.
    'Failures by reason',
    // Of the webhook, which the sandbox has none of; the run with faults adds what it counts on a cluster.
    'Pods without a proxy',
  ],
  'Weft / Namespace': ['Failures by reason', 'Pods without a proxy'],
  'Weft / Workload': ['Failures by reason'],
  'Weft / Pod': [
    'Failures by reason',
    'Connections refused',
    'Handshakes failed',
    'Requests that are no HTTP',
  ],
  'Weft / Service': ['Failures by reason'],
  'Weft / Proxies': ['Connections refused', 'Handshakes failed, requests that are no HTTP'],
  'Weft / Control plane': [
    // Refusals by code; the other lines are always there.
    'Proxies turned away or slowed',
    // Of the webhook, as above.
    'Pods without a proxy',
    'Pods asked about',
    'Time to an answer',
  ],
};
