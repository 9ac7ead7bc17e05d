// Lines of a proxy's log: JSON objects of pino, of the process or of the access log.
import { isRecord } from '../../plain/index.ts';
import { plainText, type Screen } from '../table.ts';

/** A line, and whose it is. */
export interface LogLine {
  /** `namespace/pod` */
  readonly pod: string;
  /** As it came. */
  readonly text: string;
  /** Since the epoch; undefined where the line does not say. */
  readonly atMs?: number;
  /** What it says; undefined for what is no JSON object: a crash, or an access log of another format. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Which lines are meant; what is undefined leaves all. */
export interface LineFilter {
  /** `5xx`, `503`: only lines of the access log with this status. */
  readonly status?: string;
  readonly requestId?: string;
  /** At least this severe. */
  readonly level?: string;
}

/** From the least severe. */
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** Reads one. */
export function readLine(pod: string, text: string): LogLine {
  let fields: unknown;
  try {
    fields = text.startsWith('{') ? JSON.parse(text) : undefined;
  } catch {
    // A line that was cut is shown as it is.
  }
  if (!isRecord(fields)) return { pod, text };
  const atMs = typeof fields.time === 'string' ? Date.parse(fields.time) : Number.NaN;
  return { pod, text, fields, ...(Number.isFinite(atMs) && { atMs }) };
}

/** Whether it is meant. A line that says nothing of what is asked for is not. */
export function isMeant({ fields }: LogLine, { status, requestId, level }: LineFilter): boolean {
  if (status === undefined && requestId === undefined && level === undefined) return true;
  if (fields === undefined) return false;
  if (status !== undefined && !hasStatus(fields.status, status)) return false;
  if (requestId !== undefined && fields.requestId !== requestId) return false;
  return level === undefined || LEVELS.indexOf(fields.level as never) >= LEVELS.indexOf(level as never);
}

function hasStatus(given: unknown, wanted: string): boolean {
  const status = String(given);
  return wanted.endsWith('xx') ? /^\d{3}$/.test(status) && status[0] === wanted[0] : status === wanted;
}

/** What stands in an access line, and where; the rest of a process' line follows its message. */
const known = new Set(['level', 'time', 'program', 'message', 'log', 'pid', 'hostname']);
const colours: Readonly<Record<string, number>> = { error: 31, fatal: 31, warn: 33 };

/** A line as people read it. `named`: with its pod in front, for there are several. */
export function lineText(line: LogLine, named: boolean, { colours: isColoured }: Screen): string {
  const { fields, pod, text } = line;
  const who = named ? `${pod}  ` : '';
  if (fields === undefined) return plainText(`${who}${text}`);
  const time = typeof fields.time === 'string' && fields.time !== '' ? `${fields.time.slice(11, 23)}  ` : '';
  const words = fields.log === 'access' ? accessWords(fields) : processWords(fields);
  const shown = plainText(`${time}${who}${words}`);
  const level = fields.log === 'access' && isFailure(fields) ? 'error' : String(fields.level);
  const colour = isColoured ? colours[level] : undefined;
  return colour === undefined ? shown : `\x1b[${colour}m${shown}\x1b[0m`;
}

function isFailure({ status, flags }: Readonly<Record<string, unknown>>): boolean {
  return Number(status) >= 500 || (typeof flags === 'string' && flags !== '-' && flags !== '');
}

/** `outbound GET cart.shop:80/items → 503 UF in 12 ms, to 10.0.0.7:8080 (cart.shop…:80), 2 tries, id abc: why` */
function accessWords(fields: Readonly<Record<string, unknown>>): string {
  const text = (name: string): string => (fields[name] === undefined ? '' : String(fields[name]));
  const request = [text('method'), `${text('authority')}${text('path')}`]
    .filter(each => each !== '')
    .join(' ');
  const flags = text('flags') === '-' ? '' : ` ${text('flags')}`;
  const call = fields.grpcStatus === undefined ? '' : ` gRPC ${text('grpcStatus')}`;
  const status = `${Number(fields.status) > 0 ? text('status') : 'no answer'}${call}`;
  const attempts = Number(fields.attempts);
  const to =
    text('upstream') === ''
      ? ''
      : `to ${text('upstream')}${text('cluster') === '' ? '' : ` (${text('cluster')})`}`;
  const details = [
    text('durationMs') === '' ? '' : `${Math.round(Number(fields.durationMs) * 10) / 10} ms`,
    to,
    text('peer') === '' ? '' : `peer ${text('peer')}`,
    attempts > 1 ? `${attempts} tries` : '',
    text('requestId') === '' ? '' : `id ${text('requestId')}`,
  ].filter(each => each !== '');
  const reason = text('reason') === '' ? '' : `: ${text('reason')}`;
  const what = request === '' ? text('protocol') : request;
  return `${text('direction')} ${what} → ${status}${flags}, ${details.join(', ')}${reason}`;
}

/** `WARN message  key=value key={"a":1}` */
function processWords(fields: Readonly<Record<string, unknown>>): string {
  const rest = Object.entries(fields)
    .filter(([name]) => !known.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const level = String(fields.level ?? '')
    .toUpperCase()
    .padEnd(5);
  return [`${level} ${String(fields.message ?? '')}`, ...rest].join('  ');
}
