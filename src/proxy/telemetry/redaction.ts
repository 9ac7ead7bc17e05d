import type { Redaction } from '../../model/index.ts';

/** What stands where something must not be read. */
export const REDACTED = '[redacted]';

/** Clients choose their paths and headers; one of 64 KB says no more than its beginning. */
const longest = 8192;

/** Takes out of texts what is not to stand in any log. */
export class Redactor {
  readonly #headers: ReadonlySet<string>;
  readonly #query: ReadonlySet<string>;
  readonly #wholeQuery: boolean;

  constructor({ headers, query }: Redaction) {
    this.#headers = new Set(headers.map(each => each.toLowerCase()));
    this.#query = new Set(query);
    this.#wholeQuery = this.#query.has('*');
  }

  /** A header's value; `name` in lower case. */
  header(name: string, value: string): string {
    if (this.#headers.has(name)) return REDACTED;
    return cut(name === 'referer' ? this.path(value) : value);
  }

  /** A path with its query: names stay, values that are not to be read go. */
  path(target: string): string {
    if (this.#query.size === 0) return cut(target);
    const mark = target.indexOf('?');
    if (mark < 0) return cut(target);
    return cut(`${target.slice(0, mark)}?${this.query(target.slice(mark + 1))}`);
  }

  query(query: string): string {
    if (this.#query.size === 0) return query;
    return query
      .split('&')
      .map(pair => {
        const equals = pair.indexOf('=');
        const name = equals < 0 ? pair : pair.slice(0, equals);
        const isNamed = this.#wholeQuery || this.#query.has(nameOf(name));
        // Without a name it is all value.
        if (!isNamed) return pair;
        return equals < 0 ? (this.#wholeQuery ? REDACTED : pair) : `${name}=${REDACTED}`;
      })
      .join('&');
  }
}

/** As applications read it: `to%6ben` is `token`. */
function nameOf(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function cut(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
