import { WeftError } from '../errors/index.ts';
import { AUTHORITY, FIELD, type Head, TOKEN } from '../http/index.ts';
import { type HeaderEdits as HeaderEditsModel, UNTOUCHABLE_HEADERS } from '../model/index.ts';
import { headerTemplate, type VariableSource } from './header-template.ts';

interface Line {
  readonly name: Buffer;
  /** The whole line, where it is the same for every request. */
  readonly line: Buffer | undefined;
  readonly value: ReturnType<typeof headerTemplate>;
}

const nothing: HeaderEditsModel = {};

/** HeaderEdits, checked and ready: remove, then set, then add. */
export class HeaderEdits {
  /** What the Host header becomes: a `set` of `host` or `:authority`, which is how some write a rewrite; undefined to leave it. */
  readonly authority: string | undefined;
  readonly #remove: readonly Buffer[];
  readonly #set: readonly Line[];
  readonly #add: readonly Line[];

  /** Throws a WeftError that names the header which may not be edited, or is not valid HTTP. `kind`: whose headers. */
  constructor(edits: HeaderEditsModel, kind: 'request' | 'response') {
    const { remove = [], set = [], add = [] } = edits;
    const isHost = ([name]: readonly [string, string]): boolean =>
      kind === 'request' && (name === 'host' || name === ':authority');
    const host = [...set, ...add].find(isHost);
    this.authority = host && checkedAuthority(host[1]);
    this.#remove = remove.map(checkedName);
    this.#set = set.filter(entry => !isHost(entry)).map(lineOf);
    this.#add = add.filter(entry => !isHost(entry)).map(lineOf);
  }

  /** Undefined when there is nothing to do. */
  static of(edits: HeaderEditsModel | undefined, kind: 'request' | 'response'): HeaderEdits | undefined {
    const { remove = [], set = [], add = [] } = edits ?? nothing;
    return remove.length + set.length + add.length === 0 ? undefined : new HeaderEdits(edits!, kind);
  }

  apply(head: Head, source: VariableSource): void {
    for (let i = 0; i < this.#remove.length; i++) head.removeAll(this.#remove[i]!);
    for (let i = 0; i < this.#set.length; i++) {
      const line = bytesOf(this.#set[i]!, source);
      if (line !== undefined) head.setLine(this.#set[i]!.name, line);
    }
    for (let i = 0; i < this.#add.length; i++) {
      const line = bytesOf(this.#add[i]!, source);
      if (line !== undefined) head.addLine(line);
    }
  }

  /** The lines of `set` and `add` as text, for answers of Weft's own. */
  lines(source: VariableSource): string {
    let text = '';
    for (const entry of [...this.#set, ...this.#add])
      text += bytesOf(entry, source)?.toString('latin1') ?? '';
    return text;
  }
}

/** The line; undefined when its variables leave nothing of its value. */
function bytesOf({ name, line, value }: Line, source: VariableSource): Buffer | undefined {
  if (line !== undefined || typeof value === 'string') return line;
  const text = value(source);
  return text === '' ? undefined : Buffer.from(`${name.toString('latin1')}: ${text}\r\n`, 'latin1');
}

function lineOf([name, value]: readonly [string, string]): Line {
  const bytes = checkedName(name);
  if (!all(Buffer.from(value, 'utf8'), FIELD))
    throw refused(name, 'its value has control characters or line ends');
  const made = headerTemplate(value);
  return {
    name: bytes,
    line: typeof made === 'string' ? Buffer.from(`${name}: ${made}\r\n`, 'utf8') : undefined,
    value: made,
  };
}

function checkedName(name: string): Buffer {
  const bytes = Buffer.from(name.toLowerCase(), 'utf8');
  if (name === '' || !all(bytes, TOKEN)) throw refused(name, 'this is no header name');
  if (UNTOUCHABLE_HEADERS.has(name.toLowerCase()) || name.toLowerCase() === 'host')
    throw refused(name, 'the proxy itself decides about it');
  return bytes;
}

function all(bytes: Uint8Array, allowed: Uint8Array): boolean {
  return bytes.every(code => allowed[code] === 1);
}

/** Throws a WeftError when the text cannot be a Host header's value. */
export function checkedAuthority(authority: string): string {
  // As UTF-8: cut down to one byte each, other letters would pass for ASCII.
  const bytes = Buffer.from(authority, 'utf8');
  if (authority === '' || !all(bytes, AUTHORITY))
    throw new WeftError('bad-authority', `'${authority}' is no host with an optional port`, {
      source: 'config',
    });
  return authority;
}

function refused(name: string, why: string): WeftError {
  return new WeftError('bad-header-edit', `the header '${name}' cannot be edited: ${why}`, {
    source: 'config',
  });
}
