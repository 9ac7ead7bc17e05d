import type { JSX } from 'preact';
import { EdgeTable } from '../parts/edge-table.tsx';
import { GoldenSignals } from '../parts/golden.tsx';
import { Badge, Empty, Failures, Figure } from '../parts/words.tsx';
import { figures, mesh } from '../state/connection.ts';
import { formatBytes, formatMs, formatRate, formatShare, formatSpan } from '../state/format.ts';
import { href, place } from '../state/route.ts';

/** One pod and its proxy. */
export function PodPage(): JSX.Element {
  const key = place.value.parts.join('/');
  const { workloads, controlPlane } = mesh.value!;
  const workload = workloads.find(each => each.pods.some(pod => pod.key === key));
  const pod = workload?.pods.find(each => each.key === key);
  if (workload === undefined || pod === undefined) {
    return (
      <Empty title={`The pod ${key} is not there`}>
        <p>
          It may have been replaced by another. <a href={href('workloads')}>All workloads</a>
        </p>
      </Empty>
    );
  }
  const found = figures.value.pods.find(each => each.pod === key);
  const proxy = controlPlane.proxies.find(each => each.pod === key);
  const { edges } = figures.value;
  return (
    <>
      <h1>
        {pod.name} <span class="muted">pod in {workload.namespace}</span>
      </h1>
      <dl class="figures">
        <Figure name="State">
          <Badge standing={pod.ready ? 'ok' : 'warning'}>{pod.ready ? 'ready' : 'not ready'}</Badge>
        </Figure>
        <Figure name="Workload">
          <a href={href('workload', workload.key)}>{workload.name}</a> {pod.version}
        </Figure>
        <Figure name="Address">{pod.addresses.join(', ') || '–'}</Figure>
        <Figure name="Node">{pod.node ?? '–'}</Figure>
        <Figure name="Requests/s">{formatRate(found?.inbound.rps)}</Figure>
        <Figure name="Failed">{found ? <Failures of={found.inbound} /> : '–'}</Figure>
        <Figure name="p99">{formatMs(found?.inbound.p99)}</Figure>
        <Figure name="Calls/s">{formatRate(found?.outbound.rps)}</Figure>
        <Figure name="Calls failed">{found ? <Failures of={found.outbound} /> : '–'}</Figure>
      </dl>
      {pod.meshed ? (
        <GoldenSignals kind="pod" of={key} />
      ) : (
        <p class="hints">
          It has no proxy, so nothing is known of its requests. Restart it once the namespace has the label{' '}
          <code>weft.dev/inject=enabled</code>.
        </p>
      )}
      <h2>Its proxy</h2>
      {proxy === undefined ? (
        <p>
          {pod.meshed ? 'It is not connected to this replica of the control plane. ' : 'There is none. '}
          <code>weft proxy-status {key}</code> tells more.
        </p>
      ) : (
        <dl class="figures">
          <Figure name="Version">{proxy.version}</Figure>
          <Figure name="Connected">{formatSpan(Date.now() - proxy.connectedAtMs)}</Figure>
          <Figure name="Destinations">{proxy.destinations}</Figure>
          <Figure name="Busy">{formatShare(found?.saturation.busy)}</Figure>
          <Figure name="Memory">{formatBytes(found?.saturation.memoryBytes)}</Figure>
          <Figure name="Retries/s">{formatRate(found?.saturation.retries)}</Figure>
          <Figure name="Ejected endpoints">{found?.saturation.ejected ?? '–'}</Figure>
          <Figure name="Waiting requests">{found?.saturation.waiting ?? '–'}</Figure>
        </dl>
      )}
      {proxy && proxy.refused.length > 0 ? (
        <ul class="problems">
          {proxy.refused.map(each => (
            <li key={each}>
              <Badge standing="error">refused</Badge> {each}
            </li>
          ))}
        </ul>
      ) : null}
      <h2>Who calls its workload</h2>
      <EdgeTable
        caption="callers"
        edges={edges.filter(each => each.to === workload.key)}
        ends="from"
        empty="Nobody has called it lately."
      />
      <h2>Whom its workload calls</h2>
      <EdgeTable
        caption="callees"
        edges={edges.filter(each => each.from === workload.key)}
        ends="to"
        empty="It has called nobody lately."
      />
    </>
  );
}
