import type { BlockSchema, OptionMark, OptionSchema } from '../../../kdl/index.ts';

/**
 * Rows of the table of docs/policies/sentinel.md: `| option | takes | default | what becomes of it |`, blocks before what is in
 * them. What may stand in two places is told once.
 */
export function optionRows(schema: BlockSchema): readonly string[] {
  const rows: string[] = [];
  block(schema, '', { rows, seen: new Set() });
  return rows;
}

interface Written {
  readonly rows: string[];
  readonly seen: Set<BlockSchema>;
}

function block(schema: BlockSchema, path: string, rows: Written): void {
  if (rows.seen.has(schema)) return;
  rows.seen.add(schema);
  for (const [name, option] of Object.entries(schema.options)) each(name, option, path, rows);
  for (const [variant, inner] of Object.entries(schema.by?.variants ?? {}))
    block(inner, `${path}(${schema.by!.option} "${variant}") `, rows);
}

function each(name: string, option: OptionSchema, path: string, written: Written): void {
  const at = `${path}${name}`;
  const names = [at, ...(option.aliases ?? [])].map(text => `\`${text}\``).join(', ');
  const takes = option.type?.words ?? (option.block || option.variants ? 'a block' : 'anything');
  const fallback = option.fallback === undefined ? (option.required ? 'needed' : '') : words(option);
  const { rows, seen } = written;
  const what = option.block && seen.has(option.block) ? 'the same as above' : fate(option);
  rows.push(`| ${names} | ${takes}${option.many ? ', many' : ''} | ${fallback} | ${what} |`);
  if (option.block) block(option.block, `${at} `, written);
  for (const [variant, inner] of Object.entries(option.variants ?? {})) {
    if (inner.mark !== undefined) rows.push(`| \`${at} "${variant}"\` | a block | | ${fate(inner)} |`);
    block(inner, `${at} "${variant}" `, written);
  }
}

/** Times are read as milliseconds and written as seconds. */
function words({ fallback, type }: OptionSchema): string {
  if (typeof fallback !== 'number' || !type?.words.startsWith('seconds')) return String(fallback);
  return `${fallback / 1_000} s`;
}

function fate({ mark = 'supported', why }: { readonly mark?: OptionMark; readonly why?: string }): string {
  if (mark === 'supported') return why === undefined ? 'holds' : why;
  return `${mark}: ${why}`;
}
