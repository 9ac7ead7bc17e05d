// Values as Grafana writes them, for the units that our dashboards use.

const si = ['', ' K', ' Mil', ' Bil'];
const binary = [' B', ' KiB', ' MiB', ' GiB', ' TiB'];
const decimal = [' B/s', ' kB/s', ' MB/s', ' GB/s'];

function scaled(value: number, base: number, words: readonly string[], decimals?: number): string {
  let size = value;
  let step = 0;
  while (Math.abs(size) >= base && step < words.length - 1) {
    size /= base;
    step++;
  }
  return `${rounded(size, decimals)}${words[step]}`;
}

/** Three digits that count, unless the panel says how many behind the point. */
function rounded(value: number, decimals?: number): string {
  if (decimals !== undefined) return value.toFixed(decimals);
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return String(Number(value.toFixed(Math.min(digits, 4))));
}

function seconds(value: number): string {
  const size = Math.abs(value);
  if (size >= 86_400 * 365) return `${rounded(value / (86_400 * 365))} years`;
  if (size >= 86_400) return `${rounded(value / 86_400)} days`;
  if (size >= 3_600) return `${rounded(value / 3_600)} hours`;
  if (size >= 60) return `${rounded(value / 60)} mins`;
  if (size >= 1 || size === 0) return `${rounded(value)} s`;
  return milliseconds(value * 1000);
}

function milliseconds(value: number): string {
  if (Math.abs(value) >= 1000) return seconds(value / 1000);
  if (Math.abs(value) < 1 && value !== 0) return `${rounded(value * 1000)} µs`;
  return `${rounded(value)} ms`;
}

/** A value in a unit of Grafana's; an unknown unit is written behind it. */
export function formatted(value: number, unit = 'short', decimals?: number): string {
  switch (unit) {
    case 'short':
      return scaled(value, 1000, si, decimals);
    case 'percentunit':
      return `${rounded(value * 100, decimals)}%`;
    case 'bytes':
      return scaled(value, 1024, binary, decimals);
    case 'Bps':
      return scaled(value, 1000, decimal, decimals);
    case 'ms':
      return milliseconds(value);
    case 's':
      return seconds(value);
    case 'reqps':
      return `${scaled(value, 1000, si, decimals)} req/s`;
    case 'cps':
      return `${scaled(value, 1000, si, decimals)} c/s`;
    case 'ops':
      return `${scaled(value, 1000, si, decimals)} ops/s`;
    default:
      return `${rounded(value, decimals)} ${unit}`;
  }
}
