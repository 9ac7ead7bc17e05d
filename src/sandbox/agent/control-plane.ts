import { randomUUID } from 'node:crypto';
import { PORTS, SYSTEM_NAMESPACE, VERSION } from '../../config/index.ts';
import type { Deployment, KubeObject, Service } from '../kube/index.ts';

/** The user that the control plane runs as. */
export const CONTROL_PLANE_UID = 10_002;

/** Files and folders of the sandbox that the control plane reads. */
export interface ControlPlaneFolders {
  readonly caDir: string;
  readonly jwks: string;
  readonly objectsDir: string;
  /** The file of the token that opens the live API. */
  readonly liveToken: string;
}

/**
 * The control plane as ordinary objects (pure but for uids), so that everything that holds for pods holds for it. `listen` is
 * its address where it may not listen on all.
 */
export function controlPlaneObjects(
  folders: ControlPlaneFolders,
  issuer: string,
  now: string,
  listen?: string,
): KubeObject[] {
  const name = 'weft-injector';
  const labels = { app: name };
  const metadata = (): KubeObject['metadata'] => ({
    name,
    namespace: SYSTEM_NAMESPACE,
    uid: randomUUID(),
    labels,
    creationTimestamp: now,
  });
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(),
    spec: {
      selector: labels,
      ports: [
        { name: 'tls-discovery', port: PORTS.discovery },
        { name: 'http-metrics', port: PORTS.controlPlaneMetrics },
        { name: 'http-live', port: PORTS.live },
      ],
    },
  };
  const deployment: Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(),
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels,
          // As on a cluster, where weft install writes them.
          annotations: {
            'prometheus.io/scrape': 'true',
            'prometheus.io/port': String(PORTS.controlPlaneMetrics),
            'prometheus.io/path': '/metrics',
          },
        },
        spec: {
          serviceAccountName: name,
          containers: [
            {
              name,
              image: `${name}:${VERSION}`,
              args: [
                '--source',
                `files:${folders.objectsDir}`,
                '--ca-dir',
                folders.caDir,
                '--token-keys',
                folders.jwks,
                '--token-issuer',
                issuer,
                '--live-token',
                folders.liveToken,
                ...(listen === undefined ? [] : ['--listen', listen]),
              ],
              securityContext: { runAsUser: CONTROL_PLANE_UID, runAsGroup: CONTROL_PLANE_UID },
              readinessProbe: {
                httpGet: { path: '/ready', port: PORTS.controlPlaneMetrics },
                periodSeconds: 2,
              },
            },
          ],
        },
      },
    },
  };
  const namespace: KubeObject = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: SYSTEM_NAMESPACE, uid: randomUUID(), creationTimestamp: now },
  };
  return [namespace, service, deployment];
}
