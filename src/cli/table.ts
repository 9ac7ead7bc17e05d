// Tables for people: as wide as they need to be, and no wider than the terminal.

/** A cell: text, and the colour that it has on a terminal. */
export type Cell = string | { readonly text: string; readonly colour: 'red' | 'yellow' | 'green' };

/** What is written to. */
export interface Screen {
  /** Columns of the terminal; undefined where the reader is none, and nothing is cut. */
  readonly columns?: number;
  readonly colours: boolean;
}

const codes = { red: 31, yellow: 33, green: 32 } as const;
/** No column is cut below this. */
const leastWidth = 6;

/** Of stdout. https://no-color.org: any value but an empty one of NO_COLOR means none. */
export function screenOf(
  out: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Screen {
  const terminal = out.isTTY === true;
  const colours = terminal && (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb';
  return terminal && out.columns ? { columns: out.columns, colours } : { colours };
}

/** The lines of a table. Where it is too wide for the terminal, its widest columns are cut, with `…` at the cut. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], screen: Screen): string[] {
  const all: readonly (readonly Cell[])[] = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map(row => textOf(row[column]!).length)));
  shrink(widths, screen.columns);
  return all.map(row => {
    const cells = row.map((cell, column) => {
      const shown = cut(textOf(cell), widths[column]!);
      const padding = column === row.length - 1 ? '' : ' '.repeat(widths[column]! - shown.length);
      return paint(shown, cell, screen) + padding;
    });
    return cells.join('  ').trimEnd();
  });
}

function shrink(widths: number[], columns: number | undefined): void {
  if (columns === undefined) return;
  const gaps = 2 * (widths.length - 1);
  while (widths.reduce((sum, width) => sum + width, gaps) > columns) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= leastWidth) return;
    widths[widest]!--;
  }
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

function textOf(cell: Cell): string {
  return plainText(typeof cell === 'string' ? cell : cell.text);
}

/** Names and reasons come from others: nothing of them may steer the terminal. */
export function plainText(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

function paint(shown: string, cell: Cell, { colours }: Screen): string {
  return colours && typeof cell !== 'string' ? `\x1b[${codes[cell.colour]}m${shown}\x1b[0m` : shown;
}

/** Seconds as `45s`, `12m`, `23h`, `3d`; at most one unit, rounded down. */
export function shortTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m`;
  return whole < 48 * 3600 ? `${Math.floor(whole / 3600)}h` : `${Math.floor(whole / 86_400)}d`;
}
