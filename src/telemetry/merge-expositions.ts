// The app's metrics and the proxy's in one Prometheus text (format 0.0.4), so that one scrape of the pod has both.

/** The families of the proxy's process, which an app's client library has too. They make way for the app's. */
const sharedPrefix = /^(process|nodejs)_/;
const samplePattern =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?\s+(\S+)(?:\s+(\S+))?\s*$/;
const knownTypes = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

/**
 * Appends the app's metrics to the proxy's. Where both have a family, the app keeps its own process_ and nodejs_ ones, as
 * dashboards made before the mesh expect, and the proxy's get `weft_proxy_` before their names; of any other the proxy's
 * stays. Lines of the app that are no metrics are left out, because one of them would spoil the whole scrape.
 */
export function mergeExpositions(own: string, app: string, openMetrics: boolean): string {
  const lines = readLines(app, openMetrics);
  const appFamilies = new Set(lines.map(line => line.family));
  const ownFamilies = new Set<string>();
  const merged: string[] = [];
  for (const line of own.split('\n')) {
    const family = familyOf(line);
    if (family === undefined) continue;
    if (appFamilies.has(family) && sharedPrefix.test(family)) merged.push(renamed(line, family));
    else {
      ownFamilies.add(family);
      merged.push(line);
    }
  }
  for (const { family, text } of lines) if (!ownFamilies.has(family)) merged.push(text);
  return `${merged.join('\n')}\n`;
}

interface Line {
  readonly family: string;
  readonly text: string;
}

function readLines(text: string, openMetrics: boolean): Line[] {
  const histograms = new Set<string>();
  const lines: Line[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\r$/, '');
    const comment = /^#\s+(HELP|TYPE)\s+([a-zA-Z_:][a-zA-Z0-9_:]*)\s?(.*)$/.exec(line);
    if (comment) {
      const [, word, name, rest] = comment;
      const type = word === 'TYPE' ? typeOf(rest!) : rest!;
      if (word === 'TYPE' && (type === 'histogram' || type === 'summary')) histograms.add(name!);
      lines.push({ family: name!, text: `# ${word} ${name} ${type}` });
      continue;
    }
    const sample = samplePattern.exec(openMetrics ? withoutExemplar(line) : line);
    if (!sample) continue;
    const [, name, labels = '', value, stamp] = sample;
    if (Number.isNaN(Number(value)) && !/^[+-]?(Inf|NaN)$/i.test(value!)) continue;
    const family = histogramOf(name!, histograms) ?? name!;
    const when = stamp === undefined ? '' : ` ${openMetrics ? Math.round(Number(stamp) * 1000) : stamp}`;
    if (/NaN/.test(when)) continue;
    lines.push({ family, text: `${name}${labels} ${value}${when}` });
  }
  return lines;
}

/** Types that only OpenMetrics has are untyped here. */
function typeOf(text: string): string {
  const type = text.trim();
  return knownTypes.includes(type) ? type : 'untyped';
}

/** `foo` of `foo_bucket`, `foo_sum`, `foo_count` where foo is a histogram or summary. */
function histogramOf(name: string, histograms: ReadonlySet<string>): string | undefined {
  const base = name.replace(/_(bucket|sum|count|created)$/, '');
  return base !== name && histograms.has(base) ? base : undefined;
}

/** OpenMetrics' ` # {trace_id="…"} 0.67` behind a sample; a hash inside a label's value is none. */
function withoutExemplar(line: string): string {
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const char = line[at];
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && char === '#' && at > 0) return line.slice(0, at).trimEnd();
  }
  return line;
}

/** Of a line of our own; undefined for the empty one. */
function familyOf(line: string): string | undefined {
  return /^(?:# (?:HELP|TYPE) )?([a-zA-Z_:][a-zA-Z0-9_:]*)/.exec(line)?.[1];
}

function renamed(line: string, family: string): string {
  return line.replace(family, `weft_proxy_${family}`);
}
