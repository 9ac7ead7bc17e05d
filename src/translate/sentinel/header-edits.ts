// Edits of fields, of filters and of routes: read, and put together for a route.
import type { FreeEntry, KdlReport, Section, TextPosition } from '../../kdl/index.ts';
import { type HeaderEdits, UNTOUCHABLE_HEADERS } from '../../model/index.ts';
import { given, some } from '../given.ts';

/** Edits of fields; values are sent as they stand. */
export function readHeaderEdits(section: Section, report: KdlReport): HeaderEdits {
  const entries = (name: string): (readonly [string, string])[] =>
    section.sections(name).flatMap(each => each.entries.flatMap(entry => edited(entry, report)));
  const remove = section.values('remove').flatMap(({ value, at }) => {
    const name = String(value).toLowerCase();
    return isEditable(name, at, report) ? [name] : [];
  });
  const rename = section
    .sections('rename')
    .flatMap(each => each.entries.flatMap(entry => renaming(entry, report)));
  return given({
    rename: some(rename),
    remove: some(remove),
    set: some(entries('set')),
    add: some(entries('add')),
  });
}

function renaming({ name, value, at }: FreeEntry, report: KdlReport): readonly (readonly [string, string])[] {
  const names = [name.toLowerCase(), String(value).toLowerCase()] as const;
  if (!names.every(each => isEditable(each, at, report))) return [];
  if (!names.includes('host')) return [names];
  report.error(
    'kdl-refused',
    at,
    'host cannot be renamed: every request needs it; set it, or set a new name',
  );
  return [];
}

function edited(entry: FreeEntry, report: KdlReport): readonly (readonly [string, string])[] {
  const field = readField(entry, report);
  // Weft's own variables are written with percent signs; Sentinel has none.
  return field ? [[field[0], field[1].replaceAll('%', '%%')]] : [];
}

/** A field to be sent as it stands, its name in lower case. Undefined for one that must not be, which is reported. */
export function readField(
  { name, value, at }: FreeEntry,
  report: KdlReport,
): readonly [name: string, value: string] | undefined {
  const text = String(value);
  if (!isEditable(name.toLowerCase(), at, report)) return undefined;
  if (!/[\0-\x08\x0a-\x1f\x7f]/.test(text)) return [name.toLowerCase(), text];
  report.error('kdl-invalid-value', at, `the value of ${name} has control characters or line ends`);
  return undefined;
}

function isEditable(name: string, at: TextPosition, report: KdlReport): boolean {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) {
    report.error('kdl-invalid-value', at, `"${name}" is no name of a header`);
    return false;
  }
  if (!UNTOUCHABLE_HEADERS.has(name)) return true;
  report.error(
    'kdl-refused',
    at,
    `${name} cannot be edited: it belongs to the connection, or to what proxies tell each other`,
  );
  return false;
}

/**
 * Edits one after the other as one. `at`: of the route. What would come out otherwise when it is done at once is an error: a
 * later step that renames what an earlier one removes, sets or adds.
 */
export function inTurn(
  steps: readonly (HeaderEdits | undefined)[],
  at: TextPosition,
  report: KdlReport,
): HeaderEdits | undefined {
  let joined: HeaderEdits | undefined;
  for (const step of steps) {
    const edited = new Set([
      ...(joined?.remove ?? []),
      ...[...(joined?.set ?? []), ...(joined?.add ?? [])].map(([name]) => name),
    ]);
    const late = step?.rename?.flat().find(name => edited.has(name));
    if (late !== undefined)
      report.error(
        'kdl-refused',
        at,
        `${late} is edited by one filter and renamed by a later one, which is not supported; rename it first, or write the edits under its new name`,
      );
    joined = joinEdits(joined, step);
  }
  return joined;
}

/** One after the other: what the later says of a name wins. Edits of one step go rename, remove, set, add. */
function joinEdits(left: HeaderEdits | undefined, right: HeaderEdits | undefined): HeaderEdits | undefined {
  if (!left || !right) return left ?? right;
  const later = new Set([...(right.remove ?? []), ...(right.set ?? []).map(([name]) => name)]);
  const stays = ([name]: readonly [string, string]): boolean => !later.has(name);
  const joined = given({
    rename: some([...(left.rename ?? []), ...(right.rename ?? [])]),
    remove: some([...new Set([...(left.remove ?? []), ...(right.remove ?? [])])]),
    set: some([...(left.set ?? []).filter(stays), ...(right.set ?? [])]),
    add: some([...(left.add ?? []).filter(stays), ...(right.add ?? [])]),
  });
  return Object.keys(joined).length === 0 ? undefined : joined;
}
