// One number with its course behind it.
import { scaleLinear } from 'd3-scale';
import { area } from 'd3-shape';
import type { FieldConfigJson, PanelJson } from '../reading/queries.ts';
import type { Answered, Shown } from './draw.ts';
import { type Box, colorOf, path, text } from './svg.ts';
import { formatted } from './units.ts';

/** The color of the last step that the value has reached. */
export function stepColor(value: number, thresholds: FieldConfigJson['defaults']['thresholds']): string {
  const reached = thresholds?.steps.filter(step => step.value === null || value >= step.value) ?? [];
  return colorOf(reached.at(-1)?.color ?? 'text');
}

/** Draws it into the box, below the title. */
export function statPicture(panel: PanelJson, answers: readonly Answered[], box: Box, shown: Shown): string {
  const { unit, decimals, thresholds } = panel.fieldConfig!.defaults;
  const samples = answers[0]!.series[0]!.samples;
  const value = samples.at(-1)![1];
  const color = stepColor(value, thresholds);
  const values = samples.map(([, each]) => each);
  const x = scaleLinear([shown.fromS, shown.toS], [box.x, box.x + box.w]);
  const y = scaleLinear(
    [Math.min(0, ...values), Math.max(...values) || 1],
    [box.y + box.h, box.y + box.h * 0.55],
  );
  const under = area<readonly [number, number]>(
    ([atS]) => x(atS),
    box.y + box.h,
    ([, each]) => y(each),
  ).digits(1);
  const words = formatted(value, unit, decimals);
  const size = Math.min(34, (box.w - 16) / (words.length * 0.58));
  return (
    path(under([...samples]) ?? '', 'none', color, 0.18) +
    text(box.x + box.w / 2, box.y + box.h * 0.4 + size * 0.2, words, {
      size: Math.round(size),
      color,
      anchor: 'middle',
      bold: true,
    })
  );
}
