/** What is not added up but the same on every core, or of the process as a whole: the first core's word counts. */
const shared = [
  'weft_cluster_endpoints',
  'weft_build_info',
  'weft_control_plane_connected',
  'weft_certificate_expires_seconds',
];
/** Where one core's view stands for all: the highest. */
const highest = ['weft_cluster_ejected'];

/** Adds up the Prometheus texts of several cores, the first core's first; families and series keep the order in which they come. */
export function mergeMetrics(texts: readonly string[]): string {
  const families = new Map<string, { readonly head: string[]; readonly samples: Map<string, number> }>();
  for (const [core, text] of texts.entries()) {
    let family: ReturnType<typeof families.get>;
    let name = '';
    for (const line of text.split('\n')) {
      if (line === '') continue;
      if (line.startsWith('# HELP ')) {
        name = line.slice(7, line.indexOf(' ', 7));
        family = families.get(name);
        if (family === undefined) {
          family = { head: [line], samples: new Map() };
          families.set(name, family);
        }
      } else if (line.startsWith('#')) {
        if (family !== undefined && family.head.length < 2) family.head.push(line);
      } else if (family !== undefined) {
        const space = line.lastIndexOf(' ');
        add(family.samples, line.slice(0, space), Number(line.slice(space + 1)), { name, core });
      }
    }
  }
  const lines: string[] = [];
  for (const { head, samples } of families.values())
    lines.push(...head, ...[...samples].map(([series, value]) => `${series} ${value}`));
  return `${lines.join('\n')}\n`;
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
