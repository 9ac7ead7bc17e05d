// What a test of a rule is: series as promtool writes them, a sample each minute, and what follows from them.

/** Series by their text, with values in promtool's notation: `0+60x30`, `_x10 1+0x20`. */
export type SeriesTable = Readonly<Record<string, string>>;

/** One test of an alert. */
export interface AlertCase {
  /** In words; begins where the name of the alert ends. */
  readonly name: string;
  readonly series: SeriesTable;
  /** When it is looked at, in minutes from the first sample. */
  readonly atMinutes: number;
}

/** One in which it fires, with these labels and these values in its texts, in the order of `{{ $value | … }}`. */
export interface FiringCase extends AlertCase {
  readonly labels: Readonly<Record<string, string>>;
  /** What `$value` reads in the texts; absent where they have none. */
  readonly value?: string;
}

/** Both kinds of tests of one alert. */
export interface AlertCases {
  readonly alert: string;
  readonly fires: readonly FiringCase[];
  readonly quiet: readonly AlertCase[];
}

/** One test of a recording; values are rounded to thousandths. */
export interface RecordingCase extends AlertCase {
  readonly record: string;
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

/** `name{a="x"}` with the labels that a scrape of a pod gives before its own. */
export function ofPod(name: string, labels: Readonly<Record<string, string>> = {}): string {
  return series(name, { namespace: 'shop', pod: 'web-1', ...labels });
}

/** `name{a="x"}`. */
export function series(name: string, labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return `${name}{${parts.join(',')}}`;
}

/** A value that stays, for so many minutes. */
export const steady = (value: number, minutes = 60): string => `${value}+0x${minutes}`;
/** A counter that grows by so much a minute. */
export const growing = (perMinute: number, minutes = 60): string => `0+${perMinute}x${minutes}`;
