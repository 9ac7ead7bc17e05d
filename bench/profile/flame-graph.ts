// A flame graph as an SVG that needs nothing else: width is time (or memory), what stands on a box was called by it, a
// title tells more.
import type { Tree } from './cpu-profile.ts';

const width = 1200;
const rowHeight = 17;
/** Boxes narrower than this are left out: nobody could see them. */
const leastWidth = 0.8;
const characterWidth = 6.3;

interface Box {
  readonly name: string;
  readonly where: string;
  readonly us: number;
  readonly x: number;
  readonly depth: number;
}

/** The trees side by side under one root. */
export function flameGraph(
  trees: readonly Tree[],
  title: string,
  unit: 's of CPU' | 'MB allocated' = 's of CPU',
): string {
  const total = trees.reduce((sum, tree) => sum + tree.total, 0);
  const boxes: Box[] = [];
  const place = (siblings: readonly Tree[], left: number, depth: number): void => {
    let x = left;
    for (const tree of siblings) {
      const size = (tree.total / total) * width;
      if (size >= leastWidth) {
        boxes.push({ name: tree.name, where: tree.where, us: tree.total, x, depth });
        place(tree.children, x, depth + 1);
      }
      x += size;
    }
  };
  place(trees.map(merged), 0, 0);
  const height = (Math.max(...boxes.map(box => box.depth)) + 1) * rowHeight + 30;
  const drawn = boxes.map(box => draw(box, total, height)).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="11" role="img" aria-labelledby="title">
<title id="title">${escaped(title)}</title>
<rect width="${width}" height="${height}" fill="#fffdf8"/>
<text x="6" y="15" font-size="13">${escaped(title)}: ${(total / 1e6).toFixed(1)} ${unit}; callers below what they call</text>
${drawn}
</svg>
`;
}

/** Calls of the same function from the same place become one box, the widest first. */
function merged(tree: Tree): Tree {
  const byName = new Map<string, Tree>();
  for (const child of tree.children) {
    const key = `${child.name} ${child.where}`;
    const known = byName.get(key);
    if (known === undefined) byName.set(key, { ...child, children: [...child.children] });
    else {
      known.self += child.self;
      known.total += child.total;
      known.children.push(...child.children);
    }
  }
  const children = [...byName.values()].map(merged).sort((left, right) => right.total - left.total);
  return { ...tree, children };
}

function draw({ name, where, us, x, depth }: Box, total: number, height: number): string {
  const size = (us / total) * width;
  const y = height - (depth + 1) * rowHeight - 4;
  const share = ((100 * us) / total).toFixed(1);
  const fits = Math.floor((size - 4) / characterWidth);
  const label = name.length <= fits ? name : fits > 3 ? `${name.slice(0, fits - 1)}…` : '';
  const text = label === '' ? '' : `<text x="${(x + 2).toFixed(1)}" y="${y + 12}">${escaped(label)}</text>`;
  return `<g><title>${escaped(`${name} ${where} ${share} %`)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(0.5, size - 0.5).toFixed(1)}" height="${rowHeight - 1}" fill="${colour(where)}"/>${text}</g>`;
}

/** One colour per room, so that rooms are seen at a glance; grey for what is not ours. */
function colour(where: string): string {
  const room = /src\/([a-z0-9]+)\//.exec(where)?.[1];
  if (room === undefined) return where.startsWith('node:') ? '#c9d3dd' : '#dddddd';
  const hue = [...room].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 360, 7);
  return `hsl(${hue} 70% 76%)`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
