/** A port, or an inclusive range of them. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Reads `8080`, `8000-8100` or a number; undefined when it is no port from 1 to 65535 or the range runs backwards. */
export function parsePortRange(spec: number | string): PortRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(spec).trim());
  if (!match) return undefined;
  const from = Number(match[1]);
  const to = match[2] === undefined ? from : Number(match[2]);
  return from >= 1 && to <= 65_535 && from <= to ? { from, to } : undefined;
}

/** Sorted, without duplicates, overlapping ranges joined: the same set always gives the same rules. */
export function sortRanges(ranges: readonly PortRange[]): readonly PortRange[] {
  const sorted: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    const last = sorted.at(-1);
    if (last && range.from <= last.to) {
      sorted[sorted.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    } else {
      sorted.push(range);
    }
  }
  return sorted;
}

/** Whether two ranges have a port in common. */
export function overlaps(a: PortRange, b: PortRange): boolean {
  return a.from <= b.to && b.from <= a.to;
}

/** As people write it: `8080` or `8000-8100`. */
export function formatRange(range: PortRange): string {
  return range.from === range.to ? `${range.from}` : `${range.from}-${range.to}`;
}

/** As iptables-save prints it: `8080` or `8000:8100`. */
export function iptablesRange(range: PortRange): string {
  return range.from === range.to ? `${range.from}` : `${range.from}:${range.to}`;
}
