// The app's metrics and the proxy's in one Prometheus text (format 0.0.4), so that one scrape of the pod has both.

/** The families of the proxy's process, which an app's client library has too. They make way for the app's. */
const sharedPrefix = /^(process|nodejs)_/;
const samplePattern =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?\s+(\S+)(?:\s+(\S+))?\s*$/;
const knownTypes = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
/** A line of the app longer than this is left out. */
const maxLineBytes = 64 << 10;
/** So many of the app's families are remembered: as shared ones, and as histograms. Nobody has as many. */
const maxRemembered = 10_000;
const linesPerPiece = 256;

/** What the app answered. */
export interface AppExposition {
  readonly bytes: Buffer;
  /** The newer format, which some libraries answer whatever they are asked. */
  readonly openMetrics: boolean;
}

/**
 * The proxy's metrics and behind them the app's, in pieces of whole lines that are made while they are taken: beside what the app
 * sent nothing is held. Where both have a family, the app keeps its own process_ and nodejs_ ones, as dashboards made before the
 * mesh expect, and the proxy's get `weft_proxy_` before their names; of any other the proxy's stays. Lines of the app that are no
 * metrics are left out, because one of them would spoil the whole scrape.
 */
export function* mergeExpositions(own: Iterable<string>, app: AppExposition): Generator<string, void, void> {
  const appShared = sharedFamilies(app);
  const ownFamilies = new Set<string>();
  for (const piece of own) {
    const lines = piece.split('\n').map(line => {
      const family = familyOf(line);
      if (family === undefined) return line;
      if (appShared.has(family)) return line.replace(family, `weft_proxy_${family}`);
      ownFamilies.add(family);
      return line;
    });
    yield lines.join('\n');
  }
  let piece: string[] = [];
  for (const { family, text } of readLines(app)) {
    if (ownFamilies.has(family)) continue;
    piece.push(text);
    if (piece.length < linesPerPiece) continue;
    yield `${piece.join('\n')}\n`;
    piece = [];
  }
  if (piece.length > 0) yield `${piece.join('\n')}\n`;
}

interface Line {
  readonly family: string;
  readonly text: string;
}

function sharedFamilies(app: AppExposition): ReadonlySet<string> {
  const shared = new Set<string>();
  for (const { family } of readLines(app)) {
    if (sharedPrefix.test(family)) shared.add(family);
    if (shared.size >= maxRemembered) break;
  }
  return shared;
}

function* readLines({ bytes, openMetrics }: AppExposition): Generator<Line> {
  const histograms = new Set<string>();
  for (const line of linesOf(bytes)) {
    const comment = /^#\s+(HELP|TYPE)\s+([a-zA-Z_:][a-zA-Z0-9_:]*)\s?(.*)$/.exec(line);
    if (comment) {
      const [, word, name, rest] = comment;
      const type = word === 'TYPE' ? typeOf(rest!) : rest!;
      const isSet = word === 'TYPE' && (type === 'histogram' || type === 'summary');
      if (isSet && histograms.size < maxRemembered) histograms.add(name!);
      yield { family: name!, text: `# ${word} ${name} ${type}` };
      continue;
    }
    const sample = samplePattern.exec(openMetrics ? withoutExemplar(line) : line);
    if (!sample) continue;
    const [, name, labels = '', value, stamp] = sample;
    if (Number.isNaN(Number(value)) && !/^[+-]?(Inf|NaN)$/i.test(value!)) continue;
    const family = histogramOf(name!, histograms) ?? name!;
    const when = stamp === undefined ? '' : ` ${openMetrics ? Math.round(Number(stamp) * 1000) : stamp}`;
    if (/NaN/.test(when)) continue;
    yield { family, text: `${name}${labels} ${value}${when}` };
  }
}

function* linesOf(bytes: Buffer): Generator<string> {
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(0x0a, start);
    const end = found < 0 ? bytes.length : found;
    if (end - start <= maxLineBytes) yield bytes.toString('utf8', start, end).replace(/\r$/, '');
    start = end + 1;
  }
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
