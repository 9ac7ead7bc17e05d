// Who answers which kind of question that the control plane asks a proxy; see src/live. The same on every thread.
import { stateView } from '../admin/index.ts';
import { figuresAnswerer } from '../live/figures/index.ts';
import type { AnswererTable } from '../live/index.ts';
import { tapAnswerer } from '../live/tap/index.ts';
import { type DataPlane, readRecordQuery } from '../proxy/index.ts';
import { systemClock } from '../time/index.ts';
import type { ProxyUsage } from './proxy-usage.ts';

/**
 * The answerers of one thread. `plane` is asked only when a question has come. `status` and `usage`: of the process; undefined on
 * threads beside the first.
 */
export function proxyAnswerers(
  plane: () => DataPlane,
  status?: () => object,
  usage?: () => ProxyUsage,
): AnswererTable {
  return {
    tap: tapAnswerer(() => plane().services.observers, systemClock),
    figures: figuresAnswerer(
      () => ({
        ...{ series: plane().services, clusters: plane().destinations.clusters, used: usage?.().now },
      }),
      systemClock,
    ),
    // Where it is allowed main/proxy-upgrades.ts answers.
    upgrade(_question, asker) {
      asker.done(
        'this pod does not allow upgrades without a restart; annotate it with weft.dev/live-upgrade: allow, or restart it',
      );
      return undefined;
    },
    // What the record says: first about the proxy, then a record at a time, the oldest first.
    requests(question, asker) {
      const { records, ...proxy } = plane().recorded(
        readRecordQuery(question),
        status && stateView(status()),
      );
      asker.say({ proxy });
      for (const record of records) asker.say({ record });
      asker.done();
      return undefined;
    },
  };
}
