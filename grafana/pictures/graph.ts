// Lines over time.
import { scaleLinear } from 'd3-scale';
import { area, line } from 'd3-shape';
import type { PanelJson } from '../reading/queries.ts';
import type { Answered, Shown } from './draw.ts';
import { at, type Box, colorOf, fitting, INK, PALETTE, path, rect, text } from './svg.ts';
import { formatted } from './units.ts';

interface Drawn {
  readonly name: string;
  readonly color: string;
  /** Seconds, the base that it stands on, and its top. */
  readonly points: readonly (readonly [atS: number, from: number, to: number])[];
}

/** `{{label}}` replaced. */
export function legendOf(format: string, labels: Readonly<Record<string, string>>): string {
  return format.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => labels[name] ?? '');
}

function linesOf(panel: PanelJson, answers: readonly Answered[]): Drawn[] {
  const stacked = panel.fieldConfig?.defaults.custom?.stacking?.mode === 'normal';
  const below = new Map<number, number>();
  const drawn: Drawn[] = [];
  for (const { target, series } of answers) {
    for (const { labels, samples } of series) {
      const points = samples.map(([atS, value]) => {
        const from = stacked ? (below.get(atS) ?? 0) : 0;
        if (stacked) below.set(atS, from + value);
        return [atS, from, from + value] as const;
      });
      const name = legendOf(target.legendFormat ?? '', labels);
      const color = fixedColor(panel, target.refId, name) ?? PALETTE[drawn.length % PALETTE.length]!;
      drawn.push({ name, color, points });
    }
  }
  return drawn;
}

/** The color that overrides give the lines of a query, or those with a legend. */
function fixedColor(panel: PanelJson, refId: string, legend: string): string | undefined {
  const own = panel.fieldConfig?.overrides.findLast(({ matcher: { id, options } }) =>
    id === 'byRegexp' ? new RegExp(String(options).slice(1, -1)).test(legend) : options === refId,
  );
  const value = own?.properties.find(({ id }) => id === 'color')?.value as
    | { fixedColor?: string }
    | undefined;
  return value?.fixedColor && colorOf(value.fixedColor);
}

/** Draws it into the box, below the title. */
export function graphPicture(panel: PanelJson, answers: readonly Answered[], box: Box, shown: Shown): string {
  const { unit, decimals, max, thresholds, custom } = panel.fieldConfig!.defaults;
  const stacked = custom?.stacking?.mode === 'normal';
  const lines = linesOf(panel, answers);
  const plot = { x: box.x + 62, y: box.y + 4, w: box.w - 74, h: box.h - 50 };
  const highest = Math.max(0, ...lines.flatMap(({ points }) => points.map(([, , top]) => top)));
  const x = scaleLinear([shown.fromS, shown.toS], [plot.x, plot.x + plot.w]);
  const y = scaleLinear([0, max ?? (highest || 1)], [plot.y + plot.h, plot.y]).nice(4);
  const parts: string[] = [];
  for (const tick of y.ticks(4)) {
    parts.push(path(`M${at(plot.x)} ${at(y(tick))}H${at(plot.x + plot.w)}`, INK.line));
    parts.push(
      text(plot.x - 6, y(tick) + 4, formatted(tick, unit, decimals), {
        size: 10,
        color: INK.faint,
        anchor: 'end',
      }),
    );
  }
  for (const tick of x.ticks(5)) {
    const clock = new Date(tick * 1000).toISOString().slice(11, 19);
    parts.push(text(x(tick), plot.y + plot.h + 14, clock, { size: 10, color: INK.faint, anchor: 'middle' }));
  }
  for (const { value, color } of custom?.thresholdsStyle?.mode === 'dashed'
    ? (thresholds?.steps ?? [])
    : []) {
    if (value === null || value > y.domain()[1]!) continue;
    parts.push(
      path(`M${at(plot.x)} ${at(y(value))}H${at(plot.x + plot.w)}`, colorOf(color), 'none', 1, true),
    );
  }
  type Point = Drawn['points'][number];
  const top = line<Point>(
    ([atS]) => x(atS),
    ([, , value]) => y(value),
  ).digits(1);
  const under = area<Point>(
    ([atS]) => x(atS),
    ([, from]) => y(from),
    ([, , value]) => y(value),
  ).digits(1);
  for (const { color, points } of lines) {
    parts.push(path(under([...points]) ?? '', 'none', color, stacked ? 0.4 : 0.08));
    parts.push(path(top([...points]) ?? '', color));
  }
  parts.push(legend(lines, { x: plot.x, y: plot.y + plot.h + 22, w: plot.w, h: 24 }));
  return parts.join('');
}

function legend(lines: readonly Drawn[], box: Box): string {
  const parts: string[] = [];
  let left = box.x;
  for (const [i, { name, color }] of lines.entries()) {
    const words = fitting(name, 190, 11);
    const width = words.length * 6 + 26;
    if (left + width > box.x + box.w - (i === lines.length - 1 ? 0 : 60)) {
      parts.push(text(left, box.y + 10, `and ${lines.length - i} more`, { size: 11, color: INK.faint }));
      break;
    }
    parts.push(rect({ x: left, y: box.y + 4, w: 12, h: 3 }, color));
    parts.push(text(left + 16, box.y + 10, words, { size: 11, color: INK.faint }));
    left += width;
  }
  return parts.join('');
}
