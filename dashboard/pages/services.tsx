import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PageEdge, PageService } from '../../src/dashboard/contract.ts';
import { type Column, Table } from '../parts/table.tsx';
import { TextField } from '../parts/text-field.tsx';
import { Badge, Failures } from '../parts/words.tsx';
import { figures, mesh } from '../state/connection.ts';
import { count, formatMs, formatRate } from '../state/format.ts';
import { href } from '../state/route.ts';
import { errorShare, together } from '../state/signals.ts';

interface Row extends PageService {
  readonly called: ReturnType<typeof together>;
}

/** Every Service, with its endpoints and routes. */
export function ServicesPage(): JSX.Element {
  const [text, setText] = useState('');
  const { services, grouped } = mesh.value!;
  const wanted = text.trim().toLowerCase();
  const calls = Map.groupBy(figures.value.edges, (each: PageEdge) => each.service);
  const rows: Row[] = services
    .filter(each => `${each.key} ${each.host}`.toLowerCase().includes(wanted))
    .map(each => ({ ...each, called: together(calls.get(each.key) ?? []) }));
  return (
    <>
      <h1>Services</h1>
      <form class="bar" onSubmit={event => event.preventDefault()}>
        <TextField label="Name" value={text} placeholder="reviews" onText={setText} />
      </form>
      <Table
        caption="services"
        columns={columns}
        rows={rows}
        keyOf={each => each.key}
        sorted="Requests/s"
        empty={
          <p>
            {wanted !== ''
              ? `No service has “${text}” in its name.`
              : grouped
                ? 'Open a namespace on the page Workloads to see its services.'
                : 'There is no Service yet: a pod is called by the name of one.'}
          </p>
        }
      />
    </>
  );
}

const columns: readonly Column<Row>[] = [
  {
    title: 'Service',
    cell: each => <a href={href('service', each.key)}>{each.key}</a>,
    by: each => each.key,
  },
  {
    title: 'Ports',
    cell: each => each.ports.map(({ number, protocol }) => `${number} ${protocol}`).join(', '),
  },
  {
    title: 'Endpoints',
    cell: ({ endpoints: { ready, all }, external }) =>
      external ? (
        'outside'
      ) : (
        <Badge standing={all === 0 || ready === 0 ? 'error' : ready < all ? 'warning' : 'ok'}>
          {ready} of {all} ready
        </Badge>
      ),
    by: each => each.endpoints.ready,
  },
  {
    title: 'Findings',
    cell: ({ problems }) => {
      const grave = problems.filter(({ severity }) => severity !== 'info');
      if (grave.length === 0) return <span class="muted">{problems.length === 0 ? '–' : 'a hint'}</span>;
      const standing = grave.some(({ severity }) => severity === 'error') ? 'error' : 'warning';
      return <Badge standing={standing}>{grave.map(({ code }) => code).join(', ')}</Badge>;
    },
    by: ({ problems }) => problems.filter(({ severity }) => severity !== 'info').length,
  },
  {
    title: 'Routes',
    cell: each =>
      each.routes.length === 0 ? <span class="muted">to itself</span> : count(each.routes.length, 'rule'),
    by: each => each.routes.length,
  },
  {
    title: 'Requests/s',
    cell: each => formatRate(each.called.rps),
    by: each => each.called.rps,
    numeric: true,
  },
  {
    title: 'Failed',
    cell: each => <Failures of={each.called} />,
    by: each => errorShare(each.called),
    numeric: true,
  },
  { title: 'p99', cell: each => formatMs(each.called.p99), by: each => each.called.p99, numeric: true },
];
