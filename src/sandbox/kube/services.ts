import type { KubeObject } from './object.ts';

/** A Service. */
export interface Service extends KubeObject {
  readonly kind: 'Service';
  readonly spec: {
    readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
    readonly selector?: Readonly<Record<string, string>>;
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly externalName?: string;
    readonly publishNotReadyAddresses?: boolean;
    readonly ports?: readonly ServicePort[];
  };
}

/** One port of a Service. */
export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly nodePort?: number;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  readonly appProtocol?: string;
}

/** The addresses behind a Service (discovery.k8s.io/v1). */
export interface EndpointSlice extends KubeObject {
  readonly kind: 'EndpointSlice';
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly endpoints: readonly SliceEndpoint[];
  readonly ports: readonly {
    readonly name: string;
    readonly port: number;
    readonly protocol: string;
    readonly appProtocol?: string;
  }[];
}

/** One address of an EndpointSlice with its conditions. */
export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly conditions: {
    readonly ready: boolean;
    readonly serving: boolean;
    readonly terminating: boolean;
  };
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly targetRef?: {
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
}

/** A ConfigMap. */
export interface ConfigMap extends KubeObject {
  readonly kind: 'ConfigMap';
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** A Secret: `data` is base64, `stringData` is plain and wins. */
export interface Secret extends KubeObject {
  readonly kind: 'Secret';
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

/** A Namespace. */
export interface Namespace extends KubeObject {
  readonly kind: 'Namespace';
}

/** Whether a Service has no virtual address of its own by wish. */
export function isHeadless(service: Service): boolean {
  return service.spec.clusterIP === 'None';
}

/** The Service's virtual address; undefined when it is headless, an ExternalName, or has none yet. */
export function clusterIpOf(service: Service): string | undefined {
  const address = service.spec.clusterIP;
  return address && address !== 'None' ? address : undefined;
}
