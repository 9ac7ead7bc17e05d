// A row for each combination of labels: the answers joined by their labels.
import type { PanelJson } from '../reading/queries.ts';
import type { Answered } from './draw.ts';
import { stepColor } from './stat.ts';
import { type Box, fitting, INK, path, text } from './svg.ts';
import { formatted } from './units.ts';

interface Column {
  readonly title: string;
  readonly unit: string | undefined;
  readonly decimals: number | undefined;
  readonly thresholds: Parameters<typeof stepColor>[1];
  readonly linked: boolean;
}

function columnOf(panel: PanelJson, name: string): Column {
  const properties =
    panel.fieldConfig?.overrides.find(({ matcher }) => matcher.options === name)?.properties ?? [];
  const value = <T>(id: string): T | undefined =>
    properties.find(each => each.id === id)?.value as T | undefined;
  return {
    title: value('displayName') ?? name,
    unit: value('unit'),
    decimals: value('decimals'),
    thresholds: value('thresholds'),
    linked: value('links') !== undefined,
  };
}

const rowHeight = 25;

/** Draws as many rows as fit into the box, those with the most first. */
export function tablePicture(panel: PanelJson, answers: readonly Answered[], box: Box): string {
  const order = panel.transformations?.find(({ id }) => id === 'organize')?.options as {
    indexByName: Record<string, number>;
  };
  const names = Object.entries(order.indexByName)
    .sort(([, a], [, b]) => a - b)
    .map(([name]) => name);
  const labels = names.filter(name => !/^Value( #[A-Z])?$/.test(name));
  const rows = new Map<
    string,
    { labels: Readonly<Record<string, string>>; values: (number | undefined)[] }
  >();
  for (const [i, { series }] of answers.entries()) {
    for (const each of series) {
      const key = labels.map(name => each.labels[name] ?? '').join('\0');
      const row = rows.get(key) ?? { labels: each.labels, values: [] };
      row.values[i] = each.samples.at(-1)?.[1];
      rows.set(key, row);
    }
  }
  const sorted = [...rows.values()].sort((a, b) => (b.values[0] ?? 0) - (a.values[0] ?? 0));
  const share = box.w / (labels.length * 2 + answers.length);
  const parts: string[] = [];
  const line = (y: number): number => parts.push(path(`M${box.x} ${y + 8}H${box.x + box.w}`, INK.line));
  const fits = Math.floor(box.h / rowHeight) - 1;
  for (const [r, row] of [undefined, ...sorted.slice(0, fits)].entries()) {
    const y = box.y + 14 + r * rowHeight;
    line(y);
    for (const [c, name] of names.entries()) {
      const column = columnOf(panel, name);
      const isLabel = c < labels.length;
      const x = box.x + 8 + (isLabel ? c * 2 : c + labels.length) * share;
      const width = (isLabel ? 2 : 1) * share - 10;
      const value = row?.values[c - labels.length];
      const words =
        row === undefined
          ? column.title
          : isLabel
            ? (row.labels[name] ?? '')
            : value === undefined
              ? '–'
              : formatted(value, column.unit, column.decimals);
      const color =
        row === undefined
          ? INK.faint
          : isLabel
            ? column.linked
              ? '#6e9fff'
              : INK.text
            : value === undefined
              ? INK.faint
              : stepColor(value, column.thresholds);
      parts.push(text(x, y, fitting(words, width), { color, bold: row === undefined }));
    }
  }
  return parts.join('');
}
