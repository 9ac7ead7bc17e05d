import { stringify } from 'yaml';
import { type Cell, type Screen, table } from '../table.ts';
import type { TappedRequest } from './join.ts';
import { latencyText, type RequestRow, succeeded } from './row.ts';

/** Columns of a table whose rows come one by one: as wide as they may be, from the beginning. */
interface Column {
  readonly head: string;
  readonly width: number;
  readonly cell: (row: RequestRow) => Cell;
}

/** Prints requests as lines of one table that fits the terminal. */
export class TapTable {
  readonly #columns: readonly Column[];
  readonly #screen: Screen;

  constructor(wide: boolean, screen: Screen) {
    this.#screen = screen;
    const fixed: readonly Column[] = [
      { head: 'STATUS', width: 10, cell: statusCell },
      { head: 'LATENCY', width: 8, cell: row => latencyText(row.durationMs) },
      ...(wide
        ? [
            {
              head: 'SERVER',
              width: 8,
              cell: (row: RequestRow) => (row.serverMs === undefined ? '-' : latencyText(row.serverMs)),
            },
            { head: 'TRIES', width: 5, cell: (row: RequestRow) => String(row.attempts) },
            { head: 'MTLS', width: 4, cell: mtlsCell },
            { head: 'ID', width: 36, cell: (row: RequestRow) => row.id || '-' },
          ]
        : []),
      { head: 'METHOD', width: 7, cell: row => row.method },
    ];
    const time: Column = { head: 'TIME', width: 12, cell: row => timeText(row.atMs) };
    const taken = [time, ...fixed].reduce((sum, { width }) => sum + width + 2, 0);
    const room = Math.max(36, (screen.columns ?? 160) - taken - 4);
    const name = Math.min(32, Math.floor(room * 0.3));
    this.#columns = [
      time,
      { head: 'SOURCE', width: name, cell: row => row.source },
      { head: 'DESTINATION', width: name, cell: row => row.destination },
      ...fixed,
      { head: 'PATH', width: room - 2 * name, cell: row => pathText(row) },
    ];
  }

  head(): string {
    return this.#line(this.#columns.map(({ head }) => head));
  }

  row(row: RequestRow): string {
    return this.#line(this.#columns.map(({ cell }) => cell(row)));
  }

  /** A table of one line, whose columns have their width already; what is piped is not cut. */
  #line(cells: readonly Cell[]): string {
    const cuts = this.#screen.columns !== undefined;
    const head = this.#columns.map(({ width }) => ' '.repeat(width));
    const short = cells.map((cell, at) => (cuts ? shorten(cell, this.#columns[at]!.width) : cell));
    return table(head, [short], { colours: this.#screen.colours })[1]!;
  }
}

function shorten(cell: Cell, width: number): Cell {
  const text = typeof cell === 'string' ? cell : cell.text;
  if (text.length <= width) return cell;
  const cut = `${text.slice(0, width - 1)}…`;
  return typeof cell === 'string' ? cut : { ...cell, text: cut };
}

/** The status, or that of a gRPC call where it failed, and the flag where there is one: `503 UH`, `grpc 14 UH`. */
function statusCell(row: RequestRow): Cell {
  const status = row.status === undefined ? '' : row.status === 0 ? '-' : String(row.status);
  const { grpcStatus = 0 } = row;
  const told = grpcStatus > 0 ? `grpc ${grpcStatus}` : status;
  const text = `${told} ${row.flag}`.trim() || 'ok';
  if (!succeeded(row)) return { text, colour: 'red' };
  return grpcStatus > 0 || (row.status !== undefined && row.status >= 400)
    ? { text, colour: 'yellow' }
    : { text, colour: 'green' };
}

function mtlsCell({ mtls }: RequestRow): Cell {
  if (mtls === undefined) return '-';
  return mtls ? 'yes' : { text: 'no', colour: 'yellow' };
}

/** Where something failed the reason stands behind the path. */
function pathText({ path, detail, flag }: RequestRow): string {
  return flag === '' || detail === '' ? path : `${path} (${detail})`;
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 23);
}

/** All that is known of a request, for programs: a line of JSON, or a document of YAML. */
export function requestData(request: TappedRequest, output: 'json' | 'yaml'): string {
  return output === 'json' ? JSON.stringify(request) : `---\n${stringify(request).trimEnd()}`;
}
