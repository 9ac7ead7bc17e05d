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

interface Row {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: (number | undefined)[];
}

/** The answers joined by these labels, those with the most first. */
function rowsOf(answers: readonly Answered[], labels: readonly string[]): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const [i, { series }] of answers.entries()) {
    for (const each of series) {
      const key = labels.map(name => each.labels[name] ?? '').join('\0');
      const row = rows.get(key) ?? { labels: each.labels, values: [] };
      row.values[i] = each.samples.at(-1)?.[1];
      rows.set(key, row);
    }
  }
  return [...rows.values()].sort((a, b) => (b.values[0] ?? 0) - (a.values[0] ?? 0));
}

/** What a cell says, and in which color. */
function cellOf(column: Column, value: string | number | undefined): readonly [words: string, color: string] {
  if (typeof value === 'string') return [value, column.linked ? '#6e9fff' : INK.text];
  if (value === undefined) return ['–', INK.faint];
  return [formatted(value, column.unit, column.decimals), stepColor(value, column.thresholds)];
}

/** Draws as many rows as fit into the box. */
export function tablePicture(panel: PanelJson, answers: readonly Answered[], box: Box): string {
  const order = panel.transformations?.find(({ id }) => id === 'organize')?.options as {
    indexByName: Record<string, number>;
  };
  const names = Object.entries(order.indexByName)
    .sort(([, a], [, b]) => a - b)
    .map(([name]) => name);
  const labels = names.filter(name => !/^Value( #[A-Z])?$/.test(name));
  const share = box.w / (labels.length * 2 + answers.length);
  const fits = Math.floor(box.h / rowHeight) - 1;
  const rows = rowsOf(answers, labels).slice(0, fits);
  const parts: string[] = [];
  for (const [c, name] of names.entries()) {
    const column = columnOf(panel, name);
    const isLabel = c < labels.length;
    const x = box.x + 8 + (isLabel ? c * 2 : c + labels.length) * share;
    const width = (isLabel ? 2 : 1) * share - 10;
    const y = box.y + 14;
    parts.push(text(x, y, fitting(column.title, width), { color: INK.faint, bold: true }));
    for (const [r, row] of rows.entries()) {
      const value = isLabel ? (row.labels[name] ?? '') : row.values[c - labels.length];
      const [words, color] = cellOf(column, value);
      parts.push(text(x, y + (r + 1) * rowHeight, fitting(words, width), { color }));
    }
  }
  for (let r = 0; r <= rows.length; r++)
    parts.push(path(`M${box.x} ${box.y + 22 + r * rowHeight}H${box.x + box.w}`, INK.line));
  return parts.join('');
}
