const shorthands: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const minuteMs = 60_000;
const searchLimitMinutes = 366 * 5 * 24 * 60;

/** A schedule as crontab(5) has it, in UTC. */
export interface CronSchedule {
  /** The first time after `afterMs` that the schedule names; undefined when there is none within five years. */
  next(afterMs: number): number | undefined;
}

/** Reads five fields or a shorthand such as `@hourly`; undefined when it is neither. */
export function parseSchedule(text: string): CronSchedule | undefined {
  const fields = (shorthands[text.trim()] ?? text).trim().split(/\s+/);
  if (fields.length !== 5) return undefined;
  const minute = parseField(fields[0]!, 0, 59);
  const hour = parseField(fields[1]!, 0, 23);
  const dayOfMonth = parseField(fields[2]!, 1, 31);
  const month = parseField(fields[3]!, 1, 12, months);
  const dayOfWeek = parseField(fields[4]!, 0, 7, days);
  if (!minute || !hour || !dayOfMonth || !month || !dayOfWeek) return undefined;
  if (dayOfWeek.has(7)) dayOfWeek.add(0);
  // When both day fields are restricted either may match (crontab(5)).
  const eitherDay = !fields[2]!.startsWith('*') && !fields[4]!.startsWith('*');
  const matches = (at: Date): boolean => {
    if (!minute.has(at.getUTCMinutes()) || !hour.has(at.getUTCHours())) return false;
    if (!month.has(at.getUTCMonth() + 1)) return false;
    const byMonth = dayOfMonth.has(at.getUTCDate());
    const byWeek = dayOfWeek.has(at.getUTCDay());
    return eitherDay ? byMonth || byWeek : byMonth && byWeek;
  };
  return { next: afterMs => firstMatch(afterMs, matches) };
}

function firstMatch(afterMs: number, matches: (at: Date) => boolean): number | undefined {
  let atMs = Math.floor(afterMs / minuteMs) * minuteMs;
  for (let minutes = 0; minutes < searchLimitMinutes; minutes++) {
    atMs += minuteMs;
    if (matches(new Date(atMs))) return atMs;
  }
  return undefined;
}

function parseField(
  text: string,
  low: number,
  high: number,
  names: readonly string[] = [],
): Set<number> | undefined {
  const values = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const match = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d+))?$/.exec(part);
    if (!match) return undefined;
    const step = match[3] === undefined ? 1 : Number(match[3]);
    const from = match[1] === '*' ? low : number(match[1]!, names, low);
    const open = match[1] === '*' || match[3] !== undefined ? high : from;
    const to = match[2] === undefined ? open : number(match[2], names, low);
    if (from < low || to > high || step < 1 || Number.isNaN(from + to)) return undefined;
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return values.size > 0 ? values : undefined;
}

function number(text: string, names: readonly string[], low: number): number {
  const named = names.indexOf(text);
  return named >= 0 ? named + low : Number(text);
}
