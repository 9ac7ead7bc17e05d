// Numbers as people read them. Tabular figures are the style's business; here it is about digits and units.

/** What stands where there is nothing to say. */
export const NOTHING = '–';

/** Three digits at most: `0.3`, `48.2`, `1,204`. */
export function formatRate(perSecond: number | undefined): string {
  if (perSecond === undefined || Number.isNaN(perSecond)) return NOTHING;
  if (perSecond === 0) return '0';
  if (perSecond < 0.1) return '<0.1';
  if (perSecond < 100) return perSecond.toFixed(1);
  return Math.round(perSecond).toLocaleString('en');
}

/** `0.4 ms`, `23 ms`, `1.20 s`. */
export function formatMs(ms: number | undefined | null): string {
  if (ms === undefined || ms === null || Number.isNaN(ms)) return NOTHING;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** `0 %`, `<0.1 %`, `12.4 %`; never rounded to 100 or 0 what is not. */
export function formatShare(share: number | undefined): string {
  if (share === undefined || Number.isNaN(share)) return NOTHING;
  if (share === 0) return '0 %';
  if (share === 1) return '100 %';
  if (share < 0.001) return '<0.1 %';
  if (share > 0.999) return '>99.9 %';
  return `${(share * 100).toFixed(1)} %`;
}

const units = ['B', 'KB', 'MB', 'GB', 'TB'];

/** `0 B`, `1.4 KB`, `63 MB`. */
export function formatBytes(bytes: number | undefined | null): string {
  if (bytes === undefined || bytes === null || Number.isNaN(bytes)) return NOTHING;
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Cores as Kubernetes writes them: `<1m`, `15m`, `2`. */
export function formatCores(cores: number): string {
  const milli = Math.round(cores * 1_000);
  if (milli === 0) return cores > 0 ? '<1m' : '0';
  return milli % 1_000 === 0 ? String(milli / 1_000) : `${milli}m`;
}

/** Memory as Kubernetes writes it: `48Mi`. */
export function formatMebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)}Mi`;
}

/** How long ago or how long until, in one unit: `12 s`, `4 min`, `21 h`, `9 d`. */
export function formatSpan(ms: number): string {
  const seconds = Math.abs(ms) / 1_000;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `1 pod`, `3 pods`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}
