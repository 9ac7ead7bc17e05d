import type { JSX } from 'preact';
import type { PageEdge } from '../../src/dashboard/contract.ts';
import { formatBytes, formatMs, formatRate } from '../state/format.ts';
import { errorShare } from '../state/signals.ts';
import { type Column, Table } from './table.tsx';
import { Failures, Lock, WorkloadLink } from './words.tsx';

interface EdgeTableProps {
  readonly caption: string;
  readonly edges: readonly PageEdge[];
  /** Which ends to name. */
  readonly ends: 'from' | 'to' | 'both';
  readonly empty: string;
}

/** Who calls whom, as a table. */
export function EdgeTable({ caption, edges, ends, empty }: EdgeTableProps): JSX.Element {
  const from: Column<PageEdge> = {
    title: 'Caller',
    cell: each => <WorkloadLink of={each.from} />,
    by: each => each.from,
  };
  const to: Column<PageEdge> = {
    title: 'Callee',
    cell: each => (
      <>
        <WorkloadLink of={each.to} /> <span class="muted">{each.toVersion}</span>
      </>
    ),
    by: each => each.to,
  };
  const columns: Column<PageEdge>[] = [
    ...(ends === 'to' ? [] : [from]),
    ...(ends === 'from' ? [] : [to]),
    ...(ends === 'from'
      ? [
          {
            title: 'Version',
            cell: (each: PageEdge) => each.toVersion,
            by: (each: PageEdge) => each.toVersion,
          },
        ]
      : []),
    { title: 'Service', cell: each => each.service, by: each => each.service },
    {
      title: 'Requests/s',
      cell: each => (each.protocol === 'tcp' ? 'TCP' : formatRate(each.rps)),
      by: each => each.rps,
      numeric: true,
    },
    { title: 'Failed', cell: each => <Failures of={each} />, by: errorShare, numeric: true },
    { title: 'p50', cell: each => formatMs(each.p50), by: each => each.p50, numeric: true },
    { title: 'p90', cell: each => formatMs(each.p90), by: each => each.p90, numeric: true },
    { title: 'p99', cell: each => formatMs(each.p99), by: each => each.p99, numeric: true },
    {
      title: 'Bytes/s',
      cell: each => formatBytes(each.sent + each.received),
      by: each => each.sent + each.received,
      numeric: true,
    },
    {
      title: 'TCP open',
      cell: each => (each.protocol === 'tcp' ? each.connections : ''),
      by: each => each.connections,
      numeric: true,
    },
    { title: 'Security', cell: each => <Lock share={each.mtls} />, by: each => each.mtls },
    {
      title: 'Flags',
      cell: each =>
        Object.entries(each.flags)
          .map(([flag, rate]) => `${flag} ${formatRate(rate)}/s`)
          .join(', '),
    },
  ];
  return (
    <Table
      caption={caption}
      columns={columns}
      rows={edges}
      keyOf={each => `${each.from} ${each.to} ${each.toVersion} ${each.service} ${each.protocol}`}
      sorted="Requests/s"
      empty={<p>{empty}</p>}
    />
  );
}
