import type { Protocol } from '../../model/index.ts';

/** Names that say what is spoken, as appProtocol or before the first dash of a port's name. Istio's list and Kubernetes' own. */
const spoken: Readonly<Record<string, Protocol>> = {
  http: 'http',
  'kubernetes.io/ws': 'http',
  http2: 'http2',
  'kubernetes.io/h2c': 'http2',
  grpc: 'grpc',
  'grpc-web': 'grpc-web',
  https: 'tls',
  tls: 'tls',
  'kubernetes.io/wss': 'tls',
  tcp: 'tcp',
  mongo: 'tcp',
  mysql: 'tcp',
  redis: 'tcp',
};

/** What is spoken on a port: appProtocol first, then the name (`http`, `http-web`), otherwise found out by looking. */
export function protocolOf(name: string, appProtocol?: string): Protocol {
  const said = appProtocol?.toLowerCase();
  if (said !== undefined && Object.hasOwn(spoken, said)) return spoken[said]!;
  const lower = name.toLowerCase();
  if (/^grpc-web(-|$)/.test(lower)) return 'grpc-web';
  const dash = lower.indexOf('-');
  const prefix = dash < 0 ? lower : lower.slice(0, dash);
  return Object.hasOwn(spoken, prefix) ? spoken[prefix]! : 'auto';
}
