// What a parser made of a byte stream, in one shape for every parser, so that they can be compared.

/** One message, as far as it was understood. */
export interface Message {
  /** `GET /target`, or `200 reason`. */
  start: string;
  /** Name, value, name, value. */
  headers: string[];
  body: string;
  /** Name, value, as headers. */
  trailers: string[];
  complete: boolean;
}

/** Everything a parser made of a stream. */
export interface Outcome {
  readonly messages: Message[];
  /** The refusal, or undefined. */
  error: string | undefined;
  /** Whether it stopped in order because a message said that the connection ends with it. */
  closed: boolean;
  /** The bytes after a CONNECT or an upgrade; undefined when there was none. */
  tunnel: string | undefined;
}

/** Trailer lines as name, value, name, value. */
export function pairs(lines: string): string[] {
  const out: string[] = [];
  for (const line of lines.split('\r\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    out.push(line.slice(0, colon), trimmed(line.slice(colon + 1)));
  }
  return out;
}

/** Without the optional white space of HTTP around it: spaces and tabs. */
export function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}

/** Whether two lists hold the same strings. */
export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}
