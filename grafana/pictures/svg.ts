// SVG as text, and the colors of the pictures.

/** Where something is drawn. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export const INK = { page: '#111217', panel: '#181b1f', line: '#2c3235', text: '#d5d5e0', faint: '#9a9aab' };

const named: Readonly<Record<string, string>> = {
  green: '#73bf69',
  yellow: '#f2cc0c',
  orange: '#ff9830',
  red: '#f2495c',
  blue: '#5794f2',
  purple: '#b877d9',
  text: INK.text,
};
/** Lines that have no color of their own, one after the other. */
export const PALETTE = [
  '#73bf69',
  '#f2cc0c',
  '#5794f2',
  '#ff9830',
  '#b877d9',
  '#37a2eb',
  '#ff7383',
  '#96d98d',
  '#ffee52',
  '#8ab8ff',
];

/** What Grafana calls a color. */
export function colorOf(name: string): string {
  return named[name] ?? name;
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Coordinates need no more. */
export function at(value: number): string {
  return String(Number(value.toFixed(1)));
}

export interface TextOptions {
  readonly size?: number;
  readonly color?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly bold?: boolean;
}

/** A line of text; y is its base. */
export function text(x: number, y: number, words: string, options: TextOptions = {}): string {
  const { size = 12, color = INK.text, anchor = 'start', bold = false } = options;
  const more = `${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}${bold ? ' font-weight="600"' : ''}`;
  return `<text x="${at(x)}" y="${at(y)}" font-size="${size}" fill="${color}"${more}>${escaped(words)}</text>`;
}

export function rect({ x, y, w, h }: Box, fill: string, stroke = 'none', radius = 0): string {
  return `<rect x="${at(x)}" y="${at(y)}" width="${at(w)}" height="${at(h)}" rx="${radius}" fill="${fill}" stroke="${stroke}"/>`;
}

export function path(d: string, stroke: string, fill = 'none', opacity = 1, dashed = false): string {
  return `<path d="${d}" fill="${fill}" fill-opacity="${opacity}" stroke="${stroke}"${dashed ? ' stroke-dasharray="4 4"' : ''}/>`;
}

/** As many letters as fit; of a sans-serif face a letter is about this wide. */
export function fitting(words: string, width: number, size = 12): string {
  const most = Math.max(1, Math.floor(width / (size * 0.54)));
  return words.length <= most ? words : `${words.slice(0, most - 1)}…`;
}
