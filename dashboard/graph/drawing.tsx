// The graph as SVG: boxes of namespaces, links, nodes. It knows where things stand and nothing of moving them.
import type { JSX } from 'preact';
import { memo } from 'preact/compat';
import { formatBytes, formatMs, formatRate, formatShare } from '../state/format.ts';
import { errorShare } from '../state/signals.ts';
import type { Box, Layout, Point } from './layout.ts';
import type { GraphLink, GraphModel, GraphNode } from './model.ts';

/** What links say. */
export type LinkLabel = 'rate' | 'errors' | 'p99' | 'none';

interface DrawingProps {
  readonly model: GraphModel;
  readonly layout: Layout;
  readonly label: LinkLabel;
  readonly selected: string;
  /** Ids that a find expression means; undefined for no expression. */
  readonly found: ReadonlySet<string> | undefined;
}

/** Everything that is drawn. */
export function Drawing({ model, layout, label, selected, found }: DrawingProps): JSX.Element {
  const near = neighbours(model.links, selected);
  const dimmed = (id: string): boolean =>
    found !== undefined ? !found.has(id) : selected !== '' && near.size > 0 && !near.has(id);
  return (
    <svg class="drawing" width={layout.width} height={layout.height} aria-hidden="true">
      {Object.entries(layout.groups).map(([id, box]) => (
        <Group key={id} id={id} box={box} />
      ))}
      {model.links.map(link => {
        const [from, to] = [layout.nodes[link.from], layout.nodes[link.to]];
        if (from === undefined || to === undefined) return null;
        const text = linkText(link, label);
        const way = wayOf(from, to, layout.links[link.id] ?? []);
        return (
          <Link
            key={link.id}
            id={link.id}
            path={pathOf(way)}
            at={middleOf(way)}
            width={widthOf(link)}
            standing={link.standing}
            mtls={link.signals.mtls}
            text={text}
            state={stateOf(link.id === selected, dimmed(link.id))}
          />
        );
      })}
      {model.nodes.map(node => {
        const box = layout.nodes[node.id];
        if (box === undefined) return null;
        return (
          <Node
            key={node.id}
            node={node}
            text={nodeText(node)}
            box={box}
            state={stateOf(node.id === selected, dimmed(node.id))}
          />
        );
      })}
    </svg>
  );
}

function neighbours(links: readonly GraphLink[], selected: string): ReadonlySet<string> {
  const near = new Set<string>();
  for (const { id, from, to } of links) {
    if (from !== selected && to !== selected && id !== selected) continue;
    near.add(id).add(from).add(to);
  }
  return near;
}

const stateOf = (selected: boolean, dimmed: boolean): string =>
  selected ? 'selected' : dimmed ? 'dimmed' : '';

const Group = memo(function Group({ id, box }: { id: string; box: Box }): JSX.Element {
  return (
    <g class="group">
      <rect x={box.x} y={box.y} width={box.width} height={box.height} rx={10} />
      <text x={box.x + 14} y={box.y + 22}>
        {id}
      </text>
    </g>
  );
});

interface LinkProps {
  readonly id: string;
  readonly path: string;
  readonly at: Point;
  readonly width: number;
  readonly standing: string;
  readonly mtls: number;
  readonly text: string;
  readonly state: string;
}

const Link = memo(
  function Link({ id, path, at: { x, y }, width, standing, mtls, text, state }: LinkProps): JSX.Element {
    // Lock and text stand in the middle, above the line.
    const shift = text.length * 3.1;
    return (
      <g class={`link ${standing} ${state}`} data-id={id}>
        <path class="grip" d={path} />
        <path class="line" d={path} stroke-width={width} />
        <path
          class={mtls === 1 ? 'lock' : 'lock open'}
          d={mtls === 1 ? lock : openLock}
          transform={`translate(${x - 5 - shift} ${y - 17})`}
        />
        {text === '' ? null : (
          <text x={x + 9 - shift} y={y - 7}>
            {text}
          </text>
        )}
      </g>
    );
  },
  (a, b) =>
    a.path === b.path &&
    a.width === b.width &&
    a.standing === b.standing &&
    a.mtls === b.mtls &&
    a.text === b.text &&
    a.state === b.state,
);

const lock = 'M1 5.5h8v6H1zM3 5.5V3.6a2 2 0 0 1 4 0v1.9';
const openLock = 'M1 5.5h8v6H1zM3 5.5V3.2a2 2 0 0 1 3.6-1.2';

const Node = memo(
  function Node({
    node,
    text,
    box,
    state,
  }: {
    node: GraphNode;
    text: string;
    box: Box;
    state: string;
  }): JSX.Element {
    const sign = node.standing === 'error' ? '✕' : node.standing === 'warning' ? '!' : '';
    return (
      <g
        class={`node ${node.kind} ${node.standing} meshed-${node.meshed} ${state}`}
        data-id={node.id}
        transform={`translate(${box.x} ${box.y})`}
      >
        <rect class="body" width={box.width} height={box.height} rx={7} />
        <rect class="bar" x={0} y={8} width={4} height={box.height - 16} rx={2} />
        <text class="name" x={14} y={20}>
          {shorten(node.label, node.version === '' ? 22 : 15)}
          {node.version === '' ? null : <tspan class="version">{`  ${shorten(node.version, 8)}`}</tspan>}
        </text>
        <text class="figures" x={14} y={37}>
          {text}
        </text>
        {sign === '' ? null : (
          <text class="sign" x={box.width - 20} y={20}>
            {sign}
          </text>
        )}
      </g>
    );
  },
  (a, b) =>
    a.text === b.text &&
    a.state === b.state &&
    a.node.standing === b.node.standing &&
    a.node.meshed === b.node.meshed &&
    a.box.x === b.box.x &&
    a.box.y === b.box.y,
);

/** What a node says below its name. */
export function nodeText({ kind, pods, inbound, meshed }: GraphNode): string {
  if (kind === 'namespace') return `${pods} pods · ${formatRate(inbound.rps)}/s`;
  if (kind === 'outside') return 'not in the mesh';
  if (inbound.rps > 0) {
    return `${formatRate(inbound.rps)}/s · ${formatShare(errorShare(inbound))} · ${formatMs(inbound.p99)}`;
  }
  if (meshed === 'none') return pods === 0 ? 'gone' : 'no proxy';
  return 'no requests';
}

/** What a link says. */
export function linkText({ protocol, signals, standing }: GraphLink, label: LinkLabel): string {
  if (label === 'none') return '';
  if (protocol === 'tcp') return label === 'rate' ? `${formatBytes(signals.sent + signals.received)}/s` : '';
  if (label === 'p99') return signals.p99 === undefined ? '' : formatMs(signals.p99);
  const failed = `${standing === 'error' ? '✕ ' : standing === 'warning' ? '! ' : ''}${formatShare(errorShare(signals))}`;
  if (label === 'errors') return signals.rps > 0 ? failed : '';
  return standing === 'ok' ? `${formatRate(signals.rps)}/s` : `${formatRate(signals.rps)}/s ${failed}`;
}

const shorten = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text;

/** From one and a half to six, by the order of magnitude. */
function widthOf({ signals, protocol }: GraphLink): number {
  const amount = protocol === 'tcp' ? (signals.sent + signals.received) / 1_000 : signals.rps;
  return Math.round(Math.min(1.5 + Math.log10(1 + amount) * 1.3, 6) * 2) / 2;
}

/** From the right side of one to the left side of the other, through the points in between. */
function wayOf(from: Box, to: Box, through: readonly Point[]): readonly Point[] {
  const first = { x: from.x + from.width, y: from.y + from.height / 2 };
  const last = { x: to.x, y: to.y + to.height / 2 };
  // One point is the middle of a straight way; those to who lies behind lead from its other side. The curve needs neither.
  return [first, ...(through.length > 1 && last.x > first.x ? through : []), last];
}

function pathOf(way: readonly Point[]): string {
  let path = `M${round(way[0]!.x)} ${round(way[0]!.y)}`;
  for (let at = 1; at < way.length; at++) {
    const [a, b] = [way[at - 1]!, way[at]!];
    const bend = b.x > a.x ? (b.x - a.x) / 2 : Math.max(90, (a.x - b.x) / 4);
    path += `C${round(a.x + bend)} ${round(a.y)} ${round(b.x - bend)} ${round(b.y)} ${round(b.x)} ${round(b.y)}`;
  }
  return path;
}

/** Where a link says what it has to say: half of the way. */
function middleOf(way: readonly Point[]): Point {
  const lengths = way.slice(1).map((b, at) => Math.hypot(b.x - way[at]!.x, b.y - way[at]!.y));
  let left = lengths.reduce((sum, each) => sum + each, 0) / 2;
  for (const [at, length] of lengths.entries()) {
    const [a, b] = [way[at]!, way[at + 1]!];
    if (left <= length && length > 0) {
      return { x: a.x + ((b.x - a.x) * left) / length, y: a.y + ((b.y - a.y) * left) / length };
    }
    left -= length;
  }
  return way[0]!;
}

const round = Math.round;
