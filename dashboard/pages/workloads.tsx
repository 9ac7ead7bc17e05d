import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PageEdge, PageWorkload } from '../../src/dashboard/contract.ts';
import { type Column, Table } from '../parts/table.tsx';
import { TextField } from '../parts/text-field.tsx';
import { Failures, Lock, WorkloadLink } from '../parts/words.tsx';
import { figures, mesh, openNamespace } from '../state/connection.ts';
import { formatMs, formatRate } from '../state/format.ts';
import { errorShare, together } from '../state/signals.ts';

interface Row extends PageWorkload {
  readonly inbound: ReturnType<typeof together>;
  readonly called: boolean;
}

/** Every workload with its golden signals. */
export function WorkloadsPage(): JSX.Element {
  const [text, setText] = useState('');
  const { workloads, grouped, namespaces } = mesh.value!;
  const wanted = text.trim().toLowerCase();
  const arriving = Map.groupBy(figures.value.edges, (each: PageEdge) => each.to);
  const rows: Row[] = workloads
    .filter(each => each.key.toLowerCase().includes(wanted))
    .map(each => ({
      ...each,
      inbound: together(arriving.get(each.key) ?? []),
      called: arriving.has(each.key),
    }));
  return (
    <>
      <h1>Workloads</h1>
      <form class="bar" onSubmit={event => event.preventDefault()}>
        <TextField label="Name" value={text} placeholder="shop/rev" onText={setText} />
        {grouped ? (
          <label>
            Namespace{' '}
            <select onChange={event => openNamespace(event.currentTarget.value)}>
              <option value="">open one of {namespaces.length}</option>
              {namespaces.map(({ name, workloads: many }) => (
                <option key={name} value={name}>
                  {name} ({many})
                </option>
              ))}
            </select>
          </label>
        ) : null}
      </form>
      <Table
        caption="workloads"
        columns={columns}
        rows={rows}
        keyOf={each => each.key}
        sorted="Requests/s"
        empty={
          <p>
            {wanted !== ''
              ? `No workload has “${text}” in its name.`
              : grouped
                ? 'There are too many to show at once: open a namespace above.'
                : 'There are no workloads yet: deploy something into a namespace with the label weft.dev/inject=enabled.'}
          </p>
        }
      />
    </>
  );
}

const columns: readonly Column<Row>[] = [
  { title: 'Workload', cell: each => <WorkloadLink of={each.key} />, by: each => each.key },
  { title: 'Kind', cell: each => each.kind, by: each => each.kind },
  { title: 'Versions', cell: each => each.versions.join(', ') },
  { title: 'Ready', cell: each => `${ready(each)}/${each.pods.length}`, by: ready, numeric: true },
  {
    title: 'Requests/s',
    cell: each => formatRate(each.inbound.rps),
    by: each => each.inbound.rps,
    numeric: true,
  },
  {
    title: 'Failed',
    cell: each => <Failures of={each.inbound} />,
    by: each => errorShare(each.inbound),
    numeric: true,
  },
  { title: 'p50', cell: each => formatMs(each.inbound.p50), by: each => each.inbound.p50, numeric: true },
  { title: 'p99', cell: each => formatMs(each.inbound.p99), by: each => each.inbound.p99, numeric: true },
  {
    title: 'Security',
    cell: each =>
      !each.pods.some(pod => pod.meshed) ? (
        <span class="muted">no proxy</span>
      ) : each.called ? (
        <Lock share={each.inbound.mtls} />
      ) : (
        ''
      ),
    by: each => each.inbound.mtls,
  },
];

function ready({ pods }: PageWorkload): number {
  return pods.filter(each => each.ready).length;
}
