/** What is not added up but the same on every core, or of the process as a whole: the first core's word counts. */
const shared = [
  'weft_cluster_endpoints',
  'weft_build_info',
  'istio_build',
  'weft_workload_info',
  'weft_control_plane_connected',
  'weft_configuration_age_seconds',
  'weft_certificate_expires_seconds',
  'weft_certificate_life_seconds',
  'weft_certificate_failed_attempts',
];
/** Where one core's view stands for all: the highest. */
const highest = ['weft_cluster_kept_unready', 'weft_cluster_ejected'];

/**
 * Adds up the Prometheus texts of several cores, the first core's first; families and series keep the order in which they come.
 * In pieces of whole lines: one family at a time, so that the sum is never held as a whole.
 */
export function* mergeMetrics(texts: readonly string[]): Generator<string, void, void> {
  const families = new Map<string, (string | undefined)[]>();
  for (const [core, text] of texts.entries()) {
    for (const section of sections(text)) {
      const name = section.slice(helpBegin.length, section.indexOf(' ', helpBegin.length));
      const ofCores = families.get(name) ?? [];
      ofCores[core] = section;
      families.set(name, ofCores);
    }
  }
  for (const [name, ofCores] of families) yield* mergeFamily(name, ofCores);
}

const helpBegin = '# HELP ';
const linesPerPiece = 256;

/** The families of a text, each from its `# HELP` to the next one's. */
function* sections(text: string): Generator<string> {
  let start = text.startsWith(helpBegin) ? 0 : -1;
  while (start >= 0) {
    const end = text.indexOf(`\n${helpBegin}`, start);
    yield end < 0 ? text.slice(start) : text.slice(start, end);
    start = end < 0 ? -1 : end + 1;
  }
}

function* mergeFamily(name: string, ofCores: readonly (string | undefined)[]): Generator<string> {
  const samples = new Map<string, number>();
  let head: readonly string[] | undefined;
  for (const [core, section] of ofCores.entries()) {
    if (section === undefined) continue;
    const lines = section.split('\n').filter(line => line !== '');
    const isHead = (line: string): boolean => line.startsWith('#');
    head ??= lines.filter(isHead).slice(0, 2);
    for (const line of lines) {
      if (isHead(line)) continue;
      const space = line.lastIndexOf(' ');
      add(samples, line.slice(0, space), Number(line.slice(space + 1)), { name, core });
    }
  }
  let piece = [...head!];
  for (const [series, value] of samples) {
    piece.push(`${series} ${value}`);
    if (piece.length < linesPerPiece) continue;
    yield `${piece.join('\n')}\n`;
    piece = [];
  }
  if (piece.length > 0) yield `${piece.join('\n')}\n`;
}

function add(
  samples: Map<string, number>,
  series: string,
  value: number,
  { name, core }: { readonly name: string; readonly core: number },
): void {
  const before = samples.get(series);
  if (before === undefined) samples.set(series, value);
  else if (highest.includes(name)) samples.set(series, Math.max(before, value));
  else if (!(core > 0 && shared.includes(name))) samples.set(series, before + value);
}
