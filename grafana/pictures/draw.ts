// The panels of a dashboard drawn from the same queries as SVG, for the documentation: Grafana itself is not at hand where Weft
// is built. They show what is asked and what comes of it, near to how Grafana shows it, and say that they are no screenshots.
import { mkdirSync, writeFileSync } from 'node:fs';
import type { PrometheusApi, Series } from '../reading/prometheus-api.ts';
import type { DashboardJson, PanelJson, TargetJson } from '../reading/queries.ts';
import { substitute, type Times } from '../reading/substitute.ts';
import { graphPicture } from './graph.ts';
import { statPicture } from './stat.ts';
import { type Box, escaped, fitting, INK, rect, text } from './svg.ts';
import { tablePicture } from './table.ts';

/** A query of a panel and what came of it. */
export interface Answered {
  readonly target: TargetJson;
  readonly series: readonly Series[];
}

/** The time that is shown, in seconds since the epoch. */
export interface Shown {
  readonly fromS: number;
  readonly toS: number;
  readonly times: Times;
}

type Choice = Readonly<Record<string, string | readonly string[]>>;

const columnWidth = 52;
const rowHeight = 36;
const gap = 8;
const head = 44;
const width = 24 * columnWidth + gap;
/** Rows of Grafana's grid that a picture has at most: whole sections, from the top. */
const mostRows = 48;

/** Writes one SVG for each dashboard, with these variables. */
export async function draw(
  api: PrometheusApi,
  pages: readonly { readonly dashboard: DashboardJson; readonly choice: Choice }[],
  shown: Shown,
  folder: string,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const { dashboard, choice } of pages) {
    const file = `${folder}/${dashboard.uid.replace(/^weft-/, '')}.svg`;
    writeFileSync(file, await picture(api, dashboard, choice, shown));
  }
}

async function picture(
  api: PrometheusApi,
  dashboard: DashboardJson,
  choice: Choice,
  shown: Shown,
): Promise<string> {
  const panels = upperPart(dashboard.panels);
  const bottom = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
  const height = head + bottom * rowHeight + 26;
  const parts = [rect({ x: 0, y: 0, w: width, h: height }, INK.page)];
  parts.push(text(gap, 28, dashboard.title, { size: 18, bold: true }));
  const settings = Object.entries(choice).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? value : 'All'}`,
  );
  parts.push(text(width - gap, 28, settings.join('   '), { color: INK.faint, anchor: 'end' }));
  for (const panel of panels) parts.push(await panelPicture(api, panel, choice, shown));
  const honest =
    'drawn by grafana/pictures from the queries of the dashboard, asked of a Prometheus that scraped the shop; not a screenshot of Grafana';
  parts.push(text(gap, height - 8, honest, { size: 10, color: INK.faint }));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="Inter, Helvetica, Arial, sans-serif" role="img">\n<title>${escaped(`${dashboard.title}: ${dashboard.description}`)}</title>\n${parts.join('\n')}\n</svg>\n`
  );
}

function upperPart(panels: readonly PanelJson[]): readonly PanelJson[] {
  if (panels.every(({ gridPos: { y, h } }) => y + h <= mostRows)) return panels;
  const headings = panels.filter(({ type }) => type === 'row').map(({ gridPos }) => gridPos.y);
  const end = headings.findLast(y => y <= mostRows)!;
  return panels.filter(({ gridPos }) => gridPos.y < end);
}

async function panelPicture(
  api: PrometheusApi,
  panel: PanelJson,
  choice: Choice,
  shown: Shown,
): Promise<string> {
  const { x, y, w, h } = panel.gridPos;
  const box: Box = {
    x: gap + x * columnWidth,
    y: head + y * rowHeight,
    w: w * columnWidth - gap,
    h: h * rowHeight - gap,
  };
  if (panel.type === 'row') return text(box.x, box.y + 20, panel.title, { size: 14, bold: true });
  const frame =
    rect(box, INK.panel, INK.line, 3) +
    text(box.x + 8, box.y + 18, fitting(panel.title, box.w - 16), { bold: true });
  const answers = await Promise.all((panel.targets ?? []).map(target => answer(api, target, choice, shown)));
  const inner = { x: box.x + 4, y: box.y + 28, w: box.w - 8, h: box.h - 32 };
  return `<g>${frame}${content(panel, answers, inner, shown)}</g>`;
}

function content(panel: PanelJson, answers: readonly Answered[], inner: Box, shown: Shown): string {
  if (answers.every(({ series }) => series.length === 0)) {
    const words = panel.fieldConfig?.defaults.noValue ?? 'No data';
    const options = { color: INK.faint, anchor: 'middle', size: panel.type === 'stat' ? 20 : 13 } as const;
    return text(inner.x + inner.w / 2, inner.y + inner.h / 2, fitting(words, inner.w, options.size), options);
  }
  if (panel.type === 'stat') return statPicture(panel, answers, inner, shown);
  return panel.type === 'table'
    ? tablePicture(panel, answers, inner)
    : graphPicture(panel, answers, inner, shown);
}

async function answer(
  api: PrometheusApi,
  target: TargetJson,
  choice: Choice,
  shown: Shown,
): Promise<Answered> {
  const expr = substitute(target.expr, choice, shown.times);
  const { fromS, toS, times } = shown;
  const series = target.instant
    ? await api.query(expr, toS)
    : await api.queryRange(expr, fromS, toS, times.stepS);
  return { target, series };
}
