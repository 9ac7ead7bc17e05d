// Values of annotations as HAProxy's ingress controller reads them (pkg/utils), and HAProxy itself. Undefined: it is none.

const units: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds: a number with us, ms, s, m, h or d behind it; without a unit it is milliseconds. */
export function parseHaproxyTime(text: string): number | undefined {
  const [, digits, unit = 'ms'] = /^(\d{1,12})(us|ms|s|m|h|d)?$/.exec(text) ?? [];
  return digits === undefined ? undefined : Math.ceil(Number(digits) * units[unit]!);
}

/** Go's strconv.ParseBool, and the older words enabled, disabled, on and off. */
export function parseHaproxyFlag(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text) || /^(enabled|on)$/i.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text) || /^(disabled|off)$/i.test(text)) return false;
  return undefined;
}

/** A line of two words, of which the second may have blanks and stand in double quotes. */
export function parsePair(line: string): readonly [name: string, value: string] | undefined {
  const [, name, rest] = /^(\S+)\s+(\S.*)$/.exec(line.trim()) ?? [];
  if (name === undefined || rest === undefined) return undefined;
  const [, quoted] = /^"(.*)"$/.exec(rest) ?? [];
  return [name, (quoted ?? rest).replace(/\\(["\\])/g, '$1')];
}

/** The lines of a text that are not empty. */
export function linesOf(text: string): readonly string[] {
  return text.split('\n').flatMap(each => each.trim() || []);
}

const fetches: readonly (readonly [pattern: RegExp, operator: (name: string) => string])[] = [
  [/^src$/, () => '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'],
  [/^method$/, () => '%REQ(:method)%'],
  [/^(?:path|pathq|capture\.req\.uri)$/, () => '%REQ(:path)%'],
  [/^(?:req\.)?f?hdr\(([A-Za-z0-9_-]+)\)$/, name => hostOr(name)],
];

function hostOr(name: string): string {
  const lower = name.toLowerCase();
  return lower === 'host' ? '%REQ(:authority)%' : `%REQ(${lower})%`;
}

/** A log format as Weft's own operators in values of fields; `unknown` names the first part that Weft has nothing for. */
export function formatOperators(format: string): { readonly value: string } | { readonly unknown: string } {
  let unknown: string | undefined;
  const value = format.replace(
    /%%|%(?:\{[^}]*\})?\[([^\]]*)\]|%(?:\{[^}]*\})?[A-Za-z]+/g,
    (whole, fetch?: string) => {
      if (whole === '%%') return '%%';
      for (const [pattern, operator] of fetches) {
        const found = fetch === undefined ? null : pattern.exec(fetch);
        if (found !== null) return operator(found[1] ?? '');
      }
      if (whole === '%ci') return '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%';
      unknown ??= whole;
      return '';
    },
  );
  return unknown === undefined ? { value } : { unknown };
}
