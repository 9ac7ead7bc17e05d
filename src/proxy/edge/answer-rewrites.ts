import type { Head, ServerStream } from '../../http/index.ts';
import type { AnswerRewrites, Replacement } from '../../model/index.ts';
import { PassedAnswer } from './passed-answer.ts';

const location = Buffer.from('location', 'latin1');
const refresh = Buffer.from('refresh', 'latin1');
const setCookie = Buffer.from('set-cookie', 'latin1');

/**
 * An answer in which the upstream's own places become those that clients know, as nginx does it (proxy_redirect,
 * proxy_cookie_domain, proxy_cookie_path). Answers of Weft's own have none of the upstream's.
 */
export class RewrittenAnswer extends PassedAnswer {
  readonly #rewrites: AnswerRewrites;

  constructor(client: ServerStream, rewrites: AnswerRewrites) {
    super(client);
    this.#rewrites = rewrites;
  }

  override respond(head: Head, end: boolean): void {
    const { location: to, cookieDomain, cookiePath } = this.#rewrites;
    if (to !== undefined) {
      rewriteFields(head, location, value => beginning(value, to));
      rewriteFields(head, refresh, value => {
        const [, before = '', url = ''] = /^(.*?url=)(.*)$/i.exec(value) ?? [];
        return before === '' ? value : before + beginning(url, to);
      });
    }
    if (cookieDomain !== undefined || cookiePath !== undefined)
      rewriteFields(head, setCookie, value => rewriteCookie(value, cookieDomain, cookiePath));
    this.client.respond(head, end);
  }
}

/** The values of all fields of the name (lowercase bytes), in their order, where one of them becomes another. */
function rewriteFields(head: Head, name: Buffer, change: (value: string) => string): void {
  const values: string[] = [];
  let isOther = false;
  for (let index = head.find(name); index >= 0; index = head.find(name, index + 1)) {
    const value = head.text(index);
    const changed = change(value);
    isOther ||= changed !== value;
    values.push(changed);
  }
  if (!isOther) return;
  head.removeAll(name);
  for (const each of values) head.add(name, Buffer.from(each, 'latin1'));
}

function beginning(value: string, { from, to }: Replacement): string {
  return value.startsWith(from) ? to + value.slice(from.length) : value;
}

/** nginx changes the value of the attribute alone, wherever it stands behind the pair. */
function rewriteCookie(
  cookie: string,
  domain: Replacement | undefined,
  path: Replacement | undefined,
): string {
  const [pair = '', ...attributes] = cookie.split(';');
  const changed = attributes.map(each => {
    const [, before = '', name = '', value = ''] = /^(\s*([a-z]+)=)(.*)$/i.exec(each) ?? [];
    if (domain !== undefined && name.toLowerCase() === 'domain')
      return bare(value) === bare(domain.from) ? before + renamed(value, domain.to) : each;
    if (path !== undefined && name.toLowerCase() === 'path') return before + beginning(value, path);
    return each;
  });
  return [pair, ...changed].join(';');
}

/** A dot before the domain stays, and none comes. */
function renamed(value: string, to: string): string {
  return (value.startsWith('.') ? '.' : '') + to.replace(/^\./, '');
}

/** Without the dot that says nothing since RFC 6265. */
function bare(domain: string): string {
  return domain.trim().replace(/^\./, '').toLowerCase();
}
