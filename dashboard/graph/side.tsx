import type { JSX } from 'preact';
import { Failures, Figure, Lock, WorkloadLink } from '../parts/words.tsx';
import { formatBytes, formatMs, formatRate } from '../state/format.ts';
import { href } from '../state/route.ts';
import { nodeText } from './drawing.tsx';
import type { GraphLink, GraphModel, GraphNode } from './model.ts';

interface SideProps {
  readonly model: GraphModel;
  readonly selected: string;
  readonly grouped: boolean;
  readonly open: (namespace: string) => void;
}

/** What is chosen in the graph, in figures. */
export function GraphSide({ model, selected, open }: SideProps): JSX.Element | null {
  const node = model.nodes.find(each => each.id === selected);
  const link = model.links.find(each => each.id === selected);
  if (node === undefined && link === undefined) return null;
  return (
    <aside aria-label="what is chosen">
      {node ? <NodeSide node={node} links={model.links} open={open} /> : null}
      {link ? <LinkSide link={link} /> : null}
    </aside>
  );
}

function NodeSide({
  node,
  links,
  open,
}: {
  node: GraphNode;
  links: readonly GraphLink[];
  open: (namespace: string) => void;
}): JSX.Element {
  const callers = links.filter(each => each.to === node.id);
  const callees = links.filter(each => each.from === node.id);
  return (
    <>
      <h2>
        {node.label} <span class="muted">{node.version}</span>
      </h2>
      <p class="muted">
        {node.kind === 'workload'
          ? `${node.namespace} · ${node.ready} of ${node.pods} pods ready`
          : nodeText(node)}
      </p>
      <dl class="figures">
        <Figure name="Requests/s">{formatRate(node.inbound.rps)}</Figure>
        <Figure name="Failed">
          <Failures of={node.inbound} />
        </Figure>
        <Figure name="p50">{formatMs(node.inbound.p50)}</Figure>
        <Figure name="p99">{formatMs(node.inbound.p99)}</Figure>
      </dl>
      <Ends title="Callers" links={callers} end={each => each.from} />
      <Ends title="Calls" links={callees} end={each => each.to} />
      {node.kind === 'workload' ? (
        <p>
          <a href={href('workload', node.id.split('@')[0]!)}>All about it</a>
        </p>
      ) : null}
      {node.kind === 'namespace' ? (
        <button type="button" onClick={() => open(node.namespace)}>
          Show its workloads
        </button>
      ) : null}
    </>
  );
}

function Ends({
  title,
  links,
  end,
}: {
  title: string;
  links: readonly GraphLink[];
  end: (link: GraphLink) => string;
}): JSX.Element | null {
  if (links.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="ends">
        {links.slice(0, 12).map(link => (
          <li key={link.id}>
            <span>{end(link)}</span>
            <span class="number">
              {link.protocol === 'tcp' ? 'TCP' : `${formatRate(link.signals.rps)}/s`}{' '}
              <Failures of={link.signals} />
            </span>
          </li>
        ))}
        {links.length > 12 ? <li class="muted">and {links.length - 12} more</li> : null}
      </ul>
    </>
  );
}

function LinkSide({ link: { from, to, signals, protocol, edges } }: { link: GraphLink }): JSX.Element {
  const flags = new Map<string, number>();
  for (const edge of edges)
    for (const [flag, rate] of Object.entries(edge.flags)) flags.set(flag, (flags.get(flag) ?? 0) + rate);
  return (
    <>
      <h2>
        <WorkloadLink of={from.split('@')[0]!} /> → <WorkloadLink of={to.split('@')[0]!} />
      </h2>
      <p class="muted">{[...new Set(edges.map(each => each.service))].join(', ')}</p>
      <dl class="figures">
        <Figure name="Security">
          <Lock share={signals.mtls} />
        </Figure>
        {protocol === 'tcp' ? (
          <>
            <Figure name="Open">{signals.connections}</Figure>
            <Figure name="Sent/s">{formatBytes(signals.sent)}</Figure>
            <Figure name="Received/s">{formatBytes(signals.received)}</Figure>
          </>
        ) : (
          <>
            <Figure name="Requests/s">{formatRate(signals.rps)}</Figure>
            <Figure name="Failed">
              <Failures of={signals} />
            </Figure>
            <Figure name="p50">{formatMs(signals.p50)}</Figure>
            <Figure name="p90">{formatMs(signals.p90)}</Figure>
            <Figure name="p99">{formatMs(signals.p99)}</Figure>
          </>
        )}
      </dl>
      {flags.size > 0 ? (
        <>
          <h3>Flags</h3>
          <ul class="ends">
            {[...flags].map(([flag, rate]) => (
              <li key={flag}>
                <code>{flag}</code>
                <span class="number">{formatRate(rate)}/s</span>
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </>
  );
}
