import type { JSX } from 'preact';
import type { PagePod, PagePodFigures } from '../../src/dashboard/contract.ts';
import { EdgeTable } from '../parts/edge-table.tsx';
import { GoldenSignals } from '../parts/golden.tsx';
import { ProxySize } from '../parts/proxy-size.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Badge, Empty, Failures, Figure, Lock } from '../parts/words.tsx';
import { figures, mesh, opened, openNamespace } from '../state/connection.ts';
import { formatBytes, formatMs, formatRate, formatShare } from '../state/format.ts';
import { href, place } from '../state/route.ts';
import { errorShare, together } from '../state/signals.ts';

/** One workload: its golden signals over time, who calls it, whom it calls, its pods. */
export function WorkloadPage(): JSX.Element {
  const key = place.value.parts.join('/');
  const { workloads, grouped } = mesh.value!;
  const workload = workloads.find(each => each.key === key);
  const [namespace = ''] = key.split('/');
  if (workload === undefined) {
    const closed = grouped && !opened.value.has(namespace);
    return (
      <Empty title={`${key} is not there`}>
        {closed ? (
          <button type="button" onClick={() => openNamespace(namespace)}>
            Open the namespace {namespace}
          </button>
        ) : (
          <p>
            It may have been deleted or renamed. <a href={href('workloads')}>All workloads</a>
          </p>
        )}
      </Empty>
    );
  }
  const { edges, pods } = figures.value;
  const callers = edges.filter(each => each.to === key);
  const callees = edges.filter(each => each.from === key);
  const inbound = together(callers);
  const byPod = new Map(pods.map(each => [each.pod, each]));
  const meshed = workload.pods.some(each => each.meshed);
  return (
    <>
      <h1>
        {workload.name}{' '}
        <span class="muted">
          {workload.kind} in {workload.namespace}
        </span>
      </h1>
      {meshed ? null : (
        <p class="hints">
          None of its pods has a proxy. Label the namespace,{' '}
          <code>kubectl label namespace {workload.namespace} weft.dev/inject=enabled</code>, and restart it:{' '}
          <code>
            kubectl rollout restart -n {workload.namespace} {workload.kind.toLowerCase()}/{workload.name}
          </code>
        </p>
      )}
      <dl class="figures">
        <Figure name="Requests/s">{formatRate(inbound.rps)}</Figure>
        <Figure name="Failed">
          <Failures of={inbound} />
        </Figure>
        <Figure name="p50">{formatMs(inbound.p50)}</Figure>
        <Figure name="p90">{formatMs(inbound.p90)}</Figure>
        <Figure name="p99">{formatMs(inbound.p99)}</Figure>
        <Figure name="Security">{callers.length > 0 ? <Lock share={inbound.mtls} /> : '–'}</Figure>
        <Figure name="Takes in">{takesIn(workload.mtls)}</Figure>
        <Figure name="ServiceAccount">{workload.serviceAccount}</Figure>
        <Figure name="Services">
          {workload.services.length === 0
            ? 'none'
            : workload.services.map(each => (
                <a key={each} href={href('service', each)}>
                  {each}{' '}
                </a>
              ))}
        </Figure>
      </dl>
      {meshed ? <GoldenSignals kind="workload" of={key} /> : null}
      <h2>Who calls it</h2>
      <EdgeTable caption="callers" edges={callers} ends="from" empty="Nobody has called it lately." />
      <h2>Whom it calls</h2>
      <EdgeTable caption="callees" edges={callees} ends="to" empty="It has called nobody lately." />
      <h2>Pods</h2>
      <Table
        caption="pods"
        columns={podColumns(byPod)}
        rows={workload.pods}
        keyOf={each => each.key}
        sorted="Pod"
        empty={<p>It has no pods: it is scaled to 0, or they cannot be started.</p>}
      />
      <ProxySize pods={workload.pods.flatMap(each => byPod.get(each.key) ?? [])} />
    </>
  );
}

function takesIn(mode: 'strict' | 'permissive' | 'disable' | undefined): string {
  if (mode === undefined) return '–';
  return { strict: 'mTLS only', permissive: 'mTLS and plaintext', disable: 'plaintext only' }[mode];
}

function podColumns(byPod: ReadonlyMap<string, PagePodFigures>): readonly Column<PagePod>[] {
  const of = ({ key }: PagePod): PagePodFigures | undefined => byPod.get(key);
  return [
    { title: 'Pod', cell: each => <a href={href('pod', each.key)}>{each.name}</a>, by: each => each.name },
    { title: 'Version', cell: each => each.version, by: each => each.version },
    {
      title: 'State',
      cell: each => (
        <Badge standing={each.ready ? 'ok' : 'warning'}>{each.ready ? 'ready' : 'not ready'}</Badge>
      ),
      by: each => String(each.ready),
    },
    {
      title: 'Requests/s',
      cell: each => formatRate(of(each)?.inbound.rps),
      by: each => of(each)?.inbound.rps,
      numeric: true,
    },
    {
      title: 'Failed',
      cell: each => {
        const found = of(each);
        return found ? <Failures of={found.inbound} /> : '–';
      },
      by: each => errorShare(of(each)?.inbound ?? { rps: 0, errors: 0 }),
      numeric: true,
    },
    {
      title: 'p99',
      cell: each => formatMs(of(each)?.inbound.p99),
      by: each => of(each)?.inbound.p99,
      numeric: true,
    },
    {
      title: 'Busy',
      cell: each => formatShare(of(each)?.saturation.busy),
      by: each => of(each)?.saturation.busy,
      numeric: true,
    },
    {
      title: 'Memory',
      cell: each => formatBytes(of(each)?.saturation.memoryBytes),
      by: each => of(each)?.saturation.memoryBytes,
      numeric: true,
    },
    {
      title: 'Retries/s',
      cell: each => formatRate(of(each)?.saturation.retries),
      by: each => of(each)?.saturation.retries,
      numeric: true,
    },
    {
      title: 'Ejected',
      cell: each => of(each)?.saturation.ejected ?? '–',
      by: each => of(each)?.saturation.ejected,
      numeric: true,
    },
  ];
}
