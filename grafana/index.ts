// grafana: Weft's dashboards as code. In: nothing. Out: Grafana's dashboards as objects; `make dashboards` writes them to
// manifests/grafana/, and a test holds those files to this source. Built with Grafana's own SDK, which only the repository needs:
// `weft install --dashboards` prints the files.
//
//   dashboards/  one file for each dashboard: what it asks, in which order it is read
//   panels       the kinds of panels, with one look and a word for when there is nothing to show
//   promql       the golden signals as PromQL
//   variables    what a dashboard can be narrowed to
//   links        from one dashboard to another
//   reading/     the other way: the queries of a finished dashboard, as Grafana sends them
//   pictures/    the panels drawn from the same queries, for the documentation
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { controlPlane } from './dashboards/control-plane.ts';
import { mesh } from './dashboards/mesh.ts';
import { namespace } from './dashboards/namespace.ts';
import { pod } from './dashboards/pod.ts';
import { proxies } from './dashboards/proxies.ts';
import { service } from './dashboards/service.ts';
import { workload } from './dashboards/workload.ts';

/** Every dashboard by the name of its file, from the widest view to the narrowest. */
export function dashboards(): ReadonlyMap<string, Dashboard> {
  return new Map([
    ['mesh', mesh()],
    ['namespace', namespace()],
    ['workload', workload()],
    ['pod', pod()],
    ['service', service()],
    ['proxies', proxies()],
    ['control-plane', controlPlane()],
  ]);
}

/** A dashboard as it is in its file. */
export function dashboardText(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, undefined, 1)}\n`;
}
