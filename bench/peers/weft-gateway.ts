// Weft as an edge: `weft-proxy gateway` as it is shipped, over a folder of Kubernetes YAML.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { listening, type Running } from '../processes.ts';
import type { Stage } from '../stage.ts';
import type { Edge, Job } from './proxy.interface.ts';

/** Starts it on this port. */
export async function startGateway(
  job: Pick<Job, 'backend'>,
  edge: Edge,
  port: number,
  stage: Stage,
): Promise<Running> {
  const folder = join(stage.folder, `gateway-${port}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'edge.yaml'), yamlOf(job, edge, port, stage));
  const [admin = 0, health = 0] = await freePorts(2);
  const program = stage.weft([
    stage.settings.programs.proxy,
    'gateway',
    ...['--config', folder, '--listen', '127.0.0.1'],
    ...['--admin-port', `${admin}`, '--health-port', `${health}`, '--log-level', 'warn'],
  ]);
  await listening(port, program, 30_000, edge.clients === 'udp' ? 'udp' : 'tcp');
  return program;
}

function yamlOf(
  { backend }: Pick<Job, 'backend'>,
  { clients, tls }: Edge,
  port: number,
  stage: Stage,
): string {
  const isUdp = clients === 'udp';
  const listener =
    tls === undefined
      ? `{ name: in, port: ${port}, protocol: ${isUdp ? 'UDP' : 'HTTP'} }`
      : `{ name: in, port: ${port}, protocol: HTTPS, tls: { certificateRefs: [{ name: edge }] } }`;
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: bench }
spec: { gatewayClassName: weft, listeners: [${listener}] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: ${isUdp ? 'UDPRoute' : 'HTTPRoute'}
metadata: { name: all, namespace: bench }
spec: { parentRefs: [{ name: edge }], rules: [{ backendRefs: [{ name: backend, port: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: backend, namespace: bench }
spec: { clusterIP: None, ports: [{ name: in, port: 80${isUdp ? ', protocol: UDP' : ''} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: backend-1, namespace: bench, labels: { kubernetes.io/service-name: backend } }
addressType: IPv4
ports: [{ name: in, port: ${backend}${isUdp ? ', protocol: UDP' : ''} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
${tls === undefined ? '' : secretOf(stage.edgeCertificate(tls))}`;
}

function secretOf({ chain, key }: { readonly chain: string; readonly key: string }): string {
  const encoded = (file: string): string => readFileSync(file).toString('base64');
  return `---
apiVersion: v1
kind: Secret
metadata: { name: edge, namespace: bench }
type: kubernetes.io/tls
data: { tls.crt: ${encoded(chain)}, tls.key: ${encoded(key)} }
`;
}
