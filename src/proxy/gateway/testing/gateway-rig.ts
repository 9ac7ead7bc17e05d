// For tests: a gateway in this process, from YAML to sockets, by the same stages as `weft-proxy gateway --config`.
import { certify } from '../../../ca/testing/odd-certificates.ts';
import { Hub, InProcessStream } from '../../../discovery/index.ts';
import type { ListenerOptions, Resource } from '../../../model/index.ts';
import type { Change } from '../../../registry/index.ts';
import { type Clock, systemClock } from '../../../time/index.ts';
import { MeshTls } from '../../../tls/index.ts';
import { changesOf } from '../../../translate/testing/from-yaml.ts';
import { Translator } from '../../../translate/translator.ts';
import { DataPlane } from '../../data-plane.ts';
import { edgeFilters } from '../../edge/index.ts';
import { KeptAccessLog, KeptLog } from '../../testing/static-mesh.ts';
import { gatewayRole } from '../gateway-role.ts';

/** A certificate of these names, with its key, and its authority where it is not its own. */
export interface TestCertificate {
  readonly keyPem: string;
  readonly pem: string;
}

const dayMs = 86_400_000;

/** Signed by `issuer`, else by itself. */
export function certificateFor(
  names: readonly string[],
  issuer?: ReturnType<typeof certify>,
): TestCertificate {
  const [name = 'nobody'] = names;
  const now = Date.now();
  return certify({
    ...{ name, dnsNames: names, notBeforeMs: now - dayMs, notAfterMs: now + dayMs },
    purposes: [],
    ...(issuer && { issuer }),
  });
}

/** An authority for certificates of clients. */
export function authority(): ReturnType<typeof certify> {
  const now = Date.now();
  return certify({ name: 'authority', ca: true, notBeforeMs: now - dayMs, notAfterMs: now + dayMs });
}

/** A Secret of TLS in YAML. */
export function secret(name: string, { keyPem, pem }: TestCertificate): string {
  const text = (value: string): string => Buffer.from(value).toString('base64');
  return `---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: shop }
type: kubernetes.io/tls
data: { tls.crt: ${text(pem)}, tls.key: ${text(keyPem)} }
`;
}

/** A Service \`name\` whose endpoint is this port of loopback. */
export function service(name: string, port: number): string {
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { clusterIP: None, ports: [{ port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: shop, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: ${port} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
`;
}

/** Gateway \`edge\` of class weft with these listeners. */
export function gateway(listeners: string, annotations = '{}', more = ''): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop, annotations: ${annotations} }
spec: { gatewayClassName: weft, ${more} listeners: [${listeners}] }
`;
}

/** An HTTPRoute of the gateway that sends all requests to a Service. */
export function route(name: string, to: string, hosts = '', rule = ''): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: shop }
spec:
  parentRefs: [{ name: edge }]
  hostnames: [${hosts}]
  rules: [{ ${rule === '' ? '' : `${rule}, `}backendRefs: [{ name: ${to}, port: 80 }] }]
`;
}

/** A gateway that is told new objects whenever a test says so. */
export class GatewayRig {
  readonly plane: DataPlane;
  readonly access = new KeptAccessLog();
  readonly log = new KeptLog();
  readonly #translator = new Translator();
  readonly #hub: Hub;
  readonly #stream: InProcessStream;
  #objects = new Map<string, Change>();

  /** `options`: of every listener, beside what the YAML says. `edit`: of what the gateway is told, for what no YAML says yet. */
  constructor(
    yaml: string,
    clock: Clock = systemClock,
    portOffset: number | 'any' = 'any',
    options: ListenerOptions = {},
    edit: (resource: Resource) => Resource = resource => resource,
  ) {
    const withOptions = (resource: Resource): Resource =>
      resource.kind === 'gateway'
        ? {
            ...resource,
            listeners: resource.listeners.map(each => ({
              ...each,
              options: { ...each.options, ...options },
            })),
          }
        : resource;
    this.#hub = new Hub(this.#translator.mesh);
    this.plane = new DataPlane({
      ...{ clock, log: this.log, accessLog: this.access, tls: new MeshTls() },
      source: { want: key => this.#stream.want(key), forget: key => this.#stream.forget(key) },
      outbound: { hosts: ['127.0.0.1'], port: 0 },
      inbound: { hosts: ['127.0.0.1'], port: 0 },
      redirected: false,
      address: '127.0.0.1',
      mtlsUntilKnown: 'permissive',
      edge: edgeFilters,
      gateway: gatewayRole({ gateways: ['shop/edge'], hosts: ['127.0.0.1'], portOffset }),
    });
    this.#stream = new InProcessStream({
      hub: this.#hub,
      sink: { apply: resource => this.plane.apply(edit(withOptions(resource))), connection() {} },
      log: this.log,
      caller: { namespace: 'shop', labels: {} },
      source: 'test',
    });
    this.#stream.start();
    this.tell(yaml);
    this.plane.listen();
  }

  /** From now on these are all objects that there are. */
  tell(yaml: string): void {
    const now = new Map(changesOf(yaml).map(change => [`${change.kind} ${change.key}`, change]));
    const gone = [...this.#objects].flatMap(([id, { kind, key }]): Change[] =>
      now.has(id) ? [] : [{ type: 'delete', kind, key }],
    );
    this.#objects = now;
    const { mesh, touched } = this.#translator.apply([...now.values(), ...gone]);
    this.#hub.update(mesh, touched, 0);
  }

  /** From now on these are the generations of what session tickets follow from, as the control plane tells them. */
  seal(...generations: readonly string[]): void {
    this.#hub.setTicketSecrets(
      generations.map(each => Buffer.from(each)),
      0,
    );
  }

  /** Where the machine listens for a port of the gateway; 0 for nowhere. */
  port(number: number): number {
    return this.plane.gateway!.ports.find(each => each.port === number)?.bound ?? 0;
  }

  close(): void {
    this.#stream.close();
    this.plane.destroy();
  }
}
