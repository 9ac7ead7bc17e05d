import type { Labels } from '../model/index.ts';
import type { GatewaySettings } from './settings.ts';

/** How Weft is installed, as far as proxies need to know. */
export interface Installation {
  readonly systemNamespace: string;
  /** Of the control plane that the proxies go to; the default unless told. */
  readonly revision?: string;
  readonly proxyImage: string;
  readonly imagePullPolicy: string;
  readonly trustDomain: string;
  readonly clusterDomain: string;
  readonly logLevel: string;
  readonly accessLog: string;
  /** `policy/v1`, or `policy/v1beta1` for servers before 1.21. */
  readonly policyVersion: string;
}

/** A port of a gateway's Service. */
export interface PlannedPort {
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
}

/** One gateway to deploy. */
export interface DeploymentPlan {
  readonly namespace: string;
  readonly name: string;
  readonly className: string;
  /** Without any there is no Service. */
  readonly ports: readonly PlannedPort[];
  /** Addresses that its Service is to have. */
  readonly addresses: readonly string[];
  readonly settings: GatewaySettings;
  /** Of spec.infrastructure, for every object. */
  readonly labels: Labels;
  readonly annotations: Labels;
  /** The Gateway: with it everything goes. Undefined: whoever applied it takes it away. */
  readonly owner?: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
  };
}

/** An object as the API server takes it. */
export interface DeployedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}
