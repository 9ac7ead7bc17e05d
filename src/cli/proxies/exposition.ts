/** One sample of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"\s*,?\s*/gy;

/**
 * Reads the text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). Behind a proxy's own metrics may
 * stand those of its app, so what is no sample is left out. `wanted` says by name which samples to keep.
 */
export function readExposition(text: string, wanted: (name: string) => boolean): Sample[] {
  const samples: Sample[] = [];
  for (const raw of text.split('\n')) {
    const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(raw)?.[0];
    if (name === undefined || !wanted(name)) continue;
    const match = line.exec(raw.trim());
    const labels = match?.[2] === undefined ? {} : readLabels(match[2]);
    const value = readValue(match?.[3] ?? '');
    if (match && labels !== undefined && value !== undefined) samples.push({ name, labels, value });
  }
  return samples;
}

function readLabels(text: string): Record<string, string> | undefined {
  // The app chooses its labels: `__proto__` among them is one like any other.
  const labels = Object.create(null) as Record<string, string>;
  let end = 0;
  label.lastIndex = 0;
  for (let match = label.exec(text); match; match = label.exec(text)) {
    labels[match[1]!] = match[2]!.replace(/\\(.)/g, (_, escaped: string) =>
      escaped === 'n' ? '\n' : escaped,
    );
    end = label.lastIndex;
  }
  return end === text.length ? labels : undefined;
}

const words: Readonly<Record<string, number>> = {
  '+Inf': Number.POSITIVE_INFINITY,
  '-Inf': Number.NEGATIVE_INFINITY,
  NaN: Number.NaN,
};

function readValue(text: string): number | undefined {
  if (Object.hasOwn(words, text)) return words[text];
  const value = Number(text);
  return text === '' || Number.isNaN(value) ? undefined : value;
}
