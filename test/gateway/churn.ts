// What is changed while a gateway carries traffic: the YAML of a version, and the servers behind it.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { certificateFor, secret, type TestCertificate } from '../../src/proxy/gateway/testing/gateway-rig.ts';

/** A server that says its name, and echoes what comes over a connection that was upgraded. */
export class Backend {
  requests = 0;
  upgraded = 0;
  readonly name: string;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();

  constructor(name: string) {
    this.name = name;
    this.#server = createServer((_, response) => {
      this.requests++;
      response.setHeader('x-backend', name);
      response.end(name);
    });
    this.#server.on('upgrade', (_, socket) => {
      this.upgraded++;
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.pipe(socket);
    });
    this.#server.keepAliveTimeout = 600_000;
  }

  async start(): Promise<this> {
    await new Promise<void>(
      resolve => void this.#server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve),
    );
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Certificates that take turns. */
export const certificates: readonly TestCertificate[] = Array.from({ length: 3 }, () =>
  certificateFor(['edge.example']),
);

/**
 * Objects of version `n`: every one has another certificate, other endpoints, another header of answers, and another route
 * beside.
 */
export function version(
  n: number,
  backends: readonly Backend[],
  ports: { readonly http: number; readonly https: number },
): string {
  const ready = backends.filter((_, index) => index !== n % backends.length);
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec:
  gatewayClassName: weft
  listeners:
    - { name: http, port: ${ports.http}, protocol: HTTP }
    - { name: https, port: ${ports.https}, protocol: HTTPS, tls: { certificateRefs: [{ name: own }] } }
${secret('own', certificates[n % certificates.length]!)}---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: all, namespace: shop }
spec:
  parentRefs: [{ name: edge }]
  rules:
    - filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: X-Version, value: '${n}' }] } }]
      backendRefs: [{ name: app, port: 80 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: other-${n % 7}, namespace: shop }
spec:
  parentRefs: [{ name: edge }]
  hostnames: [other-${n}.example]
  rules: [{ matches: [{ path: { value: /v${n} } }], backendRefs: [{ name: app, port: 80, weight: ${1 + (n % 3)} }] }]
---
apiVersion: v1
kind: Service
metadata: { name: app, namespace: shop }
spec: { clusterIP: None, ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: app-1, namespace: shop, labels: { kubernetes.io/service-name: app } }
addressType: IPv4
ports: [{ name: http, port: ${ready[0]!.port} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: app-2, namespace: shop, labels: { kubernetes.io/service-name: app } }
addressType: IPv4
ports: [{ name: http, port: ${ready[1]!.port} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
`;
}
