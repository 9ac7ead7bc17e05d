// The dashboards of manifests/grafana/ as ConfigMaps, in the form that Grafana's sidecar and its operator look for. Made from
// grafana/, see ARCHITECTURE.md. Loaded only when they are asked for: they are 400 KB, and no other command needs them.
import { PART_OF } from './names.ts';
import type { Manifest } from './objects.ts';
import type { InstallOptions } from './options.ts';

/**
 * The label that the sidecar of Grafana's Helm chart looks for.
 * https://github.com/grafana/helm-charts/tree/main/charts/grafana#sidecar-for-dashboards
 */
export const DASHBOARD_LABEL = 'grafana_dashboard';
/** Where the sidecar is told to by `folderAnnotation`, the folder in Grafana; of no effect elsewhere. */
const folderAnnotation = 'grafana_folder';

/**
 * Each dashboard by its name, written out so that the bundle of the program takes the files in; in the order in which one looks
 * at them.
 */
async function dashboards(): Promise<readonly (readonly [name: string, dashboard: unknown])[]> {
  const files = [
    ['mesh', import('../../../manifests/grafana/mesh.json', { with: { type: 'json' } })],
    ['namespace', import('../../../manifests/grafana/namespace.json', { with: { type: 'json' } })],
    ['workload', import('../../../manifests/grafana/workload.json', { with: { type: 'json' } })],
    ['pod', import('../../../manifests/grafana/pod.json', { with: { type: 'json' } })],
    ['service', import('../../../manifests/grafana/service.json', { with: { type: 'json' } })],
    ['proxies', import('../../../manifests/grafana/proxies.json', { with: { type: 'json' } })],
    ['control-plane', import('../../../manifests/grafana/control-plane.json', { with: { type: 'json' } })],
  ] as const;
  return Promise.all(files.map(async ([name, file]) => [name, (await file).default] as const));
}

/**
 * A ConfigMap for each dashboard, in the namespace that Grafana's sidecar watches. One for all would be near the 256 KiB that
 * kubectl apply may keep in an annotation, and near the 1 MiB of a ConfigMap with the next dashboards.
 */
export async function dashboardObjects({
  namespace,
  version,
}: Pick<InstallOptions, 'namespace' | 'version'>): Promise<Manifest[]> {
  const labels = { ...PART_OF, 'app.kubernetes.io/version': version, [DASHBOARD_LABEL]: '1' };
  return (await dashboards()).map(([name, dashboard]) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: `weft-dashboard-${name}`,
      namespace,
      labels,
      annotations: { [folderAnnotation]: 'Weft' },
    },
    // As in the file, a line for each thing: who keeps it in Git sees what a version changes. File names are one folder in the
    // sidecar.
    data: { [`weft-${name}.json`]: `${JSON.stringify(dashboard, undefined, 1)}\n` },
  }));
}
