/**
 * A replacement as Go writes it (regexp.Expand) in our words: `$1`, `${1}`, `${name}` become `\1`, and `$$` a dollar. As in Go
 * the longest name counts: `$1x` is the group `1x`, which is none, and so nothing.
 */
export function goReplacement(
  written: string,
  pattern: string,
): { readonly substitution: string } | { readonly why: string } {
  const names = groupNames(pattern);
  let why: string | undefined;
  const substitution = written
    .replaceAll('\\', '\\\\')
    .replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
      if (whole === '$$') return '$';
      const name = braced ?? bare ?? '';
      const number = /^\d+$/.test(name) ? Number(name) : names.indexOf(name) + 1;
      if (number > 9) why = `has the group ${name}, and nine can be named; write fewer groups before it`;
      if (/^\d+$/.test(name)) return number > names.length ? '' : `\\${number}`;
      return number === 0 ? '' : `\\${number}`;
    });
  return why === undefined ? { substitution } : { why };
}

/** Of the groups that capture, in their order; '' for those without a name. */
function groupNames(pattern: string): readonly string[] {
  const groups = pattern.matchAll(/\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?P?<(\w+)>|\((?!\?)/g);
  return [...groups].flatMap(([found, name = '']) => (found.startsWith('(') ? [name] : []));
}
