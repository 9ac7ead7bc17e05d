import type { Row } from '../metrics/rows.ts';

/** How much room there is, and whether ANSI colours may be used. */
export interface Room {
  readonly columns: number;
  /** The most lines the table may have; pods are left out, workloads kept, where it is too small. */
  readonly lines: number;
  readonly color: boolean;
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly text: (row: Row) => string;
  /** Text that wants attention. */
  readonly alarm?: (row: Row) => boolean;
}

const none = '–';

const columns: readonly Column[] = [
  { title: 'req/s', width: 7, text: row => rate(row) },
  {
    title: 'ok %',
    width: 6,
    text: row => percent(row.success),
    alarm: row => (row.success ?? 1) < 0.999,
  },
  { title: 'p50', width: 6, text: row => milliseconds(row.p50) },
  { title: 'p95', width: 6, text: row => milliseconds(row.p95) },
  { title: 'p99', width: 6, text: row => milliseconds(row.p99) },
  { title: 'mTLS', width: 5, text: row => percent(row.mtls), alarm: row => (row.mtls ?? 1) < 1 },
  { title: 'retries', width: 8, text: row => String(row.retries) },
  {
    title: 'ejected',
    width: 8,
    text: row => (row.ejections === 0 ? '0' : `${row.ejectedNow} of ${row.ejections}`),
    alarm: row => row.ejectedNow > 0,
  },
];

const minimumName = 16;
const fixed = columns.reduce((sum, column) => sum + 1 + column.width, 0);

/** The table as lines, none longer than the room has columns (colour codes not counted). From 76 columns up. */
export function renderTable(rows: readonly Row[], room: Room): string[] {
  const longest = Math.max(minimumName, ...rows.map(row => row.name.length + (row.kind === 'pod' ? 2 : 6)));
  const nameWidth = Math.max(minimumName, Math.min(longest, room.columns - fixed));
  const workloads = rows.filter(row => row.kind === 'workload');
  const shown = rows.length + 2 <= room.lines ? rows : workloads;
  const paint = (code: string, text: string) =>
    room.color && text.trim() ? `\x1b[${code}m${text}\x1b[0m` : text;
  const heading = `${'workload / pod'.padEnd(nameWidth)}${columns.map(column => ` ${column.title.padStart(column.width)}`).join('')}`;
  return [
    paint('2', heading),
    ...shown.map(row => {
      const name = fit(nameOf(row), nameWidth);
      const [ready, wanted] = row.ready;
      const cells = columns.map(column => {
        const text = ` ${column.text(row).padStart(column.width)}`;
        return paint(column.alarm?.(row) ? '33' : row.kind === 'pod' ? '2' : '0', text);
      });
      const tone = ready < wanted ? '33' : row.kind === 'workload' ? '1' : '2';
      return paint(tone, name) + cells.join('');
    }),
  ];
}

function nameOf(row: Row): string {
  const [ready, wanted] = row.ready;
  return row.kind === 'workload' ? `${row.name} ${ready}/${wanted}` : `  ${row.name}`;
}

/** Exactly `width` characters. A pod's name that is too long loses its head, which is its workload's name above it. */
function fit(text: string, width: number): string {
  if (text.length <= width) return text.padEnd(width);
  if (text.startsWith('  ')) return `  …${text.slice(text.length - width + 3)}`;
  return `${text.slice(0, width - 1)}…`;
}

function rate(row: Row): string {
  if (row.perSecond === 0) return none;
  const text = row.perSecond >= 99.95 ? row.perSecond.toFixed(0) : row.perSecond.toFixed(1);
  return row.unit === 'connections' ? `${text} c` : text;
}

function percent(share: number | undefined): string {
  if (share === undefined) return none;
  // Never rounded up to 100: a share that is not whole must not look whole.
  const tenths = Math.floor(share * 1000) / 10;
  return tenths === 100 ? '100' : tenths.toFixed(1);
}

function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return none;
  return ms >= 99.95 ? ms.toFixed(0) : ms.toFixed(1);
}
