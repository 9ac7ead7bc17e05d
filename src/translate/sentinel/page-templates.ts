// Templates of error-pages: files whose placeholders, of a closed list, are put in once, when the configuration is read. What is
// put in is escaped as the page's format wants it, so that no text of a configuration becomes a tag.
import type { KdlNode } from '../../kdl/index.ts';
import { nearestName } from '../../plain/index.ts';

/** A template's text, or why it cannot be read. */
export type TemplateFile = { readonly text: string } | { readonly unreadable: string };

/** What may stand between two pairs of braces. */
export const PLACEHOLDERS = ['status', 'reason', 'message', 'route'] as const;

/** What placeholders stand for on one page. */
export type PageWords = Readonly<Record<(typeof PLACEHOLDERS)[number], string>>;

/** Characters of a template; a page is kept for each status, and sent at once. */
const MOST_CHARACTERS = 65_536;

/** A template with its words put in; or what is wrong with it, with line and column. */
export function filled(
  template: string,
  words: PageWords,
  escaped: (word: string) => string,
): { readonly page: string } | { readonly wrong: string } {
  if (template.length > MOST_CHARACTERS)
    return { wrong: `it has ${template.length} characters, and a page at most ${MOST_CHARACTERS}` };
  const parts: string[] = [];
  let from = 0;
  for (let open = template.indexOf('{{'); open >= 0; open = template.indexOf('{{', from)) {
    const close = template.indexOf('}}', open);
    const name = close < 0 ? undefined : template.slice(open + 2, close).trim();
    if (name === undefined || name.includes('{'))
      return { wrong: `${placeOf(template, open)}: {{ is not closed; end it with }}` };
    const known = PLACEHOLDERS.find(each => each === name);
    if (known === undefined) {
      const meant = nearestName(name, PLACEHOLDERS);
      const end = meant === undefined ? `it is one of ${PLACEHOLDERS.join(', ')}` : `did you mean ${meant}?`;
      return { wrong: `${placeOf(template, open)}: there is no placeholder {{${name}}}; ${end}` };
    }
    parts.push(template.slice(from, open), escaped(words[known]));
    from = close + 2;
  }
  return { page: `${parts.join('')}${template.slice(from)}` };
}

function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

/** Where the template of a page is. */
export function templatePath(template: string, folder: string | undefined): string {
  if (folder === undefined || template.startsWith('/')) return template;
  return `${folder.replace(/\/+$/, '')}/${template}`;
}

/** Blocks in which pages may stand. */
const AROUND: ReadonlySet<string> = new Set(['routes', 'route', 'namespace', 'service']);

/** Files that the pages of a document name. */
export function templateFiles(nodes: readonly KdlNode[]): readonly string[] {
  return nodes.flatMap(({ name, children }) => {
    if (AROUND.has(name)) return templateFiles(children);
    if (name !== 'error-pages') return [];
    const folder = textOf(children, 'template-dir');
    const pages = children.filter(each => each.name === 'pages').flatMap(each => each.children);
    return pages.flatMap(page => {
      const template = textOf(page.children, 'template') ?? propertyOf(page, 'template');
      return template === undefined ? [] : [templatePath(template, folder)];
    });
  });
}

function textOf(nodes: readonly KdlNode[], name: string): string | undefined {
  const value = nodes.find(each => each.name === name)?.args[0]?.value;
  return value === undefined ? undefined : String(value);
}

function propertyOf({ properties }: KdlNode, name: string): string | undefined {
  const value = properties.findLast(each => each.name === name)?.value;
  return value === undefined ? undefined : String(value);
}
