// Where everything stands: each namespace is laid out by itself, from callers to callees, and then the namespaces among each
// other. Two small layouts are faster than a large one, and a box never lies across another. Pure.
import { Graph, layout } from '@dagrejs/dagre';

/** What to lay out. */
export interface LayoutInput {
  readonly nodes: readonly { readonly id: string; readonly group: string }[];
  readonly links: readonly (readonly [from: string, to: string])[];
}

/** A box, by its upper left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Boxes of nodes and groups, by id. */
export interface Layout {
  /** Points that a link leads through between its ends, by `from>to`; none where the straight way is free. */
  readonly links: Readonly<Record<string, readonly Point[]>>;
  readonly nodes: Readonly<Record<string, Box>>;
  readonly groups: Readonly<Record<string, Box>>;
  readonly width: number;
  readonly height: number;
}

/** A place. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export const NODE = { width: 172, height: 48 } as const;
const padding = { side: 18, top: 34, bottom: 16 };
/** What is so large that the better ranking would take seconds. */
const large = 300;
/** Up to so many nodes all is laid out at once, so that links between namespaces lead around what lies in between. */
const small = 120;

/** Lays it out; the same input gives the same picture. */
export function layOut(input: LayoutInput): Layout {
  return input.nodes.length <= small ? layOutAtOnce(input) : layOutByGroup(input);
}

function layOutByGroup({ nodes, links }: LayoutInput): Layout {
  const groupOf = new Map(nodes.map(each => [each.id, each.group]));
  const members = new Map<string, string[]>();
  for (const { id, group } of nodes) members.set(group, [...(members.get(group) ?? []), id]);
  const inside = new Map<string, { placed: Map<string, Box>; width: number; height: number }>();
  for (const [group, ids] of members) {
    const own = links.filter(([from, to]) => groupOf.get(from) === group && groupOf.get(to) === group);
    inside.set(
      group,
      place(
        ids.map(id => ({ id, ...NODE })),
        own,
        { nodesep: 18, ranksep: 84 },
      ),
    );
  }
  const outer = [...inside].map(([id, { width, height }]) => {
    if (id === '') return { id, width, height };
    return { id, width: width + 2 * padding.side, height: height + padding.top + padding.bottom };
  });
  const between = links
    .map(([from, to]) => [groupOf.get(from), groupOf.get(to)] as const)
    .filter(
      (pair): pair is readonly [string, string] =>
        pair[0] !== undefined && pair[1] !== undefined && pair[0] !== pair[1],
    );
  const { placed, width, height } = place(outer, between, { nodesep: 40, ranksep: 110 });
  const result: Record<string, Box> = {};
  for (const [group, { placed: within }] of inside) {
    const box = placed.get(group)!;
    const [left, top] = group === '' ? [0, 0] : [padding.side, padding.top];
    for (const [id, each] of within)
      result[id] = { ...each, x: box.x + left + each.x, y: box.y + top + each.y };
  }
  return {
    nodes: result,
    groups: Object.fromEntries([...placed].filter(([id]) => id !== '')),
    links: {},
    width,
    height,
  };
}

function layOutAtOnce({ nodes, links }: LayoutInput): Layout {
  const linked = new Set(links.flat());
  const groups = new Set(nodes.map(each => each.group).filter(each => each !== ''));
  // Whole groups that nobody links to stand below, with what is alone.
  const busy = new Set(nodes.filter(each => linked.has(each.id)).map(each => each.group || each.id));
  const inside = nodes.filter(each => busy.has(each.group || each.id));
  const outside = nodes.filter(each => !busy.has(each.group || each.id));
  const graph = new Graph({ compound: true });
  graph.setGraph({ rankdir: 'LR', nodesep: 30, ranksep: 96, edgesep: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const group of groups) if (busy.has(group)) graph.setNode(`group ${group}`, {});
  for (const { id, group } of inside) {
    graph.setNode(id, { ...NODE });
    if (group !== '') graph.setParent(id, `group ${group}`);
  }
  for (const [from, to] of links) if (from !== to) graph.setEdge(from, to);
  if (inside.length > 0) layout(graph);
  const boxes = Object.fromEntries(inside.map(({ id }) => [id, boxOf(graph.node(id) as Box)]));
  const frames = framesOf(inside, boxes);
  const ways = Object.fromEntries(
    graph.edges().map(({ v, w }: { v: string; w: string }) => {
      const { points = [] } = graph.edge(v, w) as { points?: readonly Point[] };
      return [`${v}>${w}`, points.slice(1, -1)] as const;
    }),
  );
  const all = moved(boxes, frames, ways);
  if (outside.length === 0) return all;
  const rest = layOutByGroup({ nodes: outside, links: [] });
  const below = moved(rest.nodes, rest.groups, {}, all.height > 0 ? all.height + 30 : 0);
  return {
    nodes: { ...all.nodes, ...below.nodes },
    groups: { ...all.groups, ...below.groups },
    links: all.links,
    width: Math.max(all.width, below.width),
    height: below.height,
  };
}

const boxOf = ({ x, y, width, height }: Box): Box => ({ x: x - width / 2, y: y - height / 2, width, height });

/** The frame around the nodes of each group. */
function framesOf(nodes: LayoutInput['nodes'], boxes: Readonly<Record<string, Box>>): Record<string, Box> {
  const frames: Record<string, Box> = {};
  for (const [group, members] of Map.groupBy(nodes, each => each.group)) {
    if (group === '') continue;
    const own = members.map(each => boxes[each.id]!);
    const [x, y] = [Math.min(...own.map(each => each.x)), Math.min(...own.map(each => each.y))];
    const right = Math.max(...own.map(each => each.x + each.width));
    const bottom = Math.max(...own.map(each => each.y + each.height));
    const [left, top] = [x - padding.side, y - padding.top];
    frames[group] = {
      x: left,
      y: top,
      width: right + padding.side - left,
      height: bottom + padding.bottom - top,
    };
  }
  return frames;
}

/** The same picture with its upper left corner at 0, or `top` further down. */
function moved(
  nodes: Readonly<Record<string, Box>>,
  groups: Readonly<Record<string, Box>>,
  links: Readonly<Record<string, readonly Point[]>>,
  top = 0,
): Layout {
  const all = [...Object.values(nodes), ...Object.values(groups)];
  const points = Object.values(links).flat();
  if (all.length === 0) return { nodes: {}, groups: {}, links: {}, width: 0, height: 0 };
  const dx = -Math.min(...all.map(each => each.x), ...points.map(each => each.x));
  const dy = top - Math.min(...all.map(each => each.y), ...points.map(each => each.y));
  const shift = <P extends Point>(each: P): P => ({ ...each, x: each.x + dx, y: each.y + dy });
  const shifted = <P extends Point>(of: Readonly<Record<string, P>>): Record<string, P> =>
    Object.fromEntries(Object.entries(of).map(([id, each]) => [id, shift(each)]));
  return {
    nodes: shifted(nodes),
    groups: shifted(groups),
    links: Object.fromEntries(Object.entries(links).map(([id, way]) => [id, way.map(shift)])),
    width: Math.max(...all.map(each => each.x + each.width + dx), ...points.map(each => each.x + dx)),
    height: Math.max(...all.map(each => each.y + each.height + dy), ...points.map(each => each.y + dy)),
  };
}

interface Sized {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

function place(
  items: readonly Sized[],
  links: readonly (readonly [string, string])[],
  gaps: { readonly nodesep: number; readonly ranksep: number },
): { placed: Map<string, Box>; width: number; height: number } {
  const linked = new Set(links.flat());
  const alone = items.filter(each => !linked.has(each.id));
  const graph = new Graph();
  graph.setGraph({
    rankdir: 'LR',
    ...gaps,
    ranker: items.length > large ? 'longest-path' : 'network-simplex',
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of items) if (linked.has(id)) graph.setNode(id, { width, height });
  for (const [from, to] of links) if (from !== to) graph.setEdge(from, to);
  const placed = new Map<string, Box>();
  let [right, bottom] = [0, 0];
  if (linked.size > 0) {
    layout(graph);
    for (const id of graph.nodes()) {
      const { x, y, width, height } = graph.node(id) as Box;
      placed.set(id, { x: x - width / 2, y: y - height / 2, width, height });
      right = Math.max(right, x + width / 2);
      bottom = Math.max(bottom, y + height / 2);
    }
  }
  // What talks to nobody stands below, in rows about as wide as the rest.
  const area = alone.reduce(
    (sum, each) => sum + (each.width + gaps.nodesep) * (each.height + gaps.nodesep),
    0,
  );
  const rowWidth = Math.max(right, Math.sqrt(area * 1.8));
  let [x, y, rowHeight] = [0, bottom > 0 ? bottom + gaps.nodesep : 0, 0];
  for (const { id, width, height } of alone) {
    if (x > 0 && x + width > rowWidth) {
      x = 0;
      y += rowHeight + gaps.nodesep;
      rowHeight = 0;
    }
    placed.set(id, { x, y, width, height });
    x += width + gaps.nodesep;
    rowHeight = Math.max(rowHeight, height);
    right = Math.max(right, x - gaps.nodesep);
    bottom = Math.max(bottom, y + height);
  }
  return { placed, width: right, height: bottom };
}
