import { WeftError } from '../errors/index.ts';
import { AUTHORITY, FIELD, type Field, type Head, TOKEN } from '../http/index.ts';
import { type HeaderEdits as HeaderEditsModel, UNTOUCHABLE_HEADERS } from '../model/index.ts';
import { headerTemplate, type VariableSource } from './header-template.ts';

interface Edit {
  /** In lowercase, to find it by. */
  readonly lower: Buffer;
  /** As it is written. */
  readonly name: Buffer;
  /** Its value, where it is the same for every request. */
  readonly fixed: Buffer | undefined;
  readonly template: ReturnType<typeof headerTemplate>;
}

const nothing: HeaderEditsModel = {};

/** HeaderEdits, checked and ready: rename, then remove, then set, then add. */
export class HeaderEdits {
  /**
   * What the Host header becomes: a `set` of `host` or `:authority`, which is how some write a rewrite; undefined to leave it.
   */
  readonly authority: string | undefined;
  readonly #rename: readonly (readonly [from: Buffer, to: Buffer])[];
  readonly #remove: readonly Buffer[];
  readonly #set: readonly Edit[];
  readonly #add: readonly Edit[];

  /** Throws a WeftError that names the header which may not be edited, or is not valid HTTP. `kind`: whose headers. */
  constructor(edits: HeaderEditsModel, kind: 'request' | 'response') {
    const { rename = [], remove = [], set = [], add = [] } = edits;
    const isHost = ([name]: readonly [string, string]): boolean =>
      kind === 'request' && (name === 'host' || name === ':authority');
    const host = [...set, ...add].find(isHost);
    this.authority = host && checkedAuthority(host[1]);
    this.#rename = rename.map(([from, to]) => [checkedName(from), checkedName(to)]);
    this.#remove = remove.map(checkedName);
    this.#set = set.filter(entry => !isHost(entry)).map(editOf);
    this.#add = add.filter(entry => !isHost(entry)).map(editOf);
  }

  /** Undefined when there is nothing to do. */
  static of(edits: HeaderEditsModel | undefined, kind: 'request' | 'response'): HeaderEdits | undefined {
    const { rename = [], remove = [], set = [], add = [] } = edits ?? nothing;
    return rename.length + remove.length + set.length + add.length === 0
      ? undefined
      : new HeaderEdits(edits!, kind);
  }

  apply(head: Head, source: VariableSource): void {
    for (let i = 0; i < this.#rename.length; i++) renamed(head, ...this.#rename[i]!);
    for (let i = 0; i < this.#remove.length; i++) head.removeAll(this.#remove[i]!);
    for (let i = 0; i < this.#set.length; i++) {
      const { lower, name } = this.#set[i]!;
      const value = currentValue(this.#set[i]!, source);
      if (value === undefined) continue;
      head.removeAll(lower);
      head.add(name, value);
    }
    for (let i = 0; i < this.#add.length; i++) {
      const value = currentValue(this.#add[i]!, source);
      if (value !== undefined) head.add(this.#add[i]!.name, value);
    }
  }

  /** The fields of `set` and `add`, for answers of Weft's own. */
  fields(source: VariableSource): readonly Field[] {
    const fields: Field[] = [];
    for (const edit of [...this.#set, ...this.#add]) {
      const value = currentValue(edit, source);
      if (value !== undefined) fields.push([edit.name.toString('latin1'), value.toString('latin1')]);
    }
    return fields;
  }
}

/** Their values stay as they came, and in their order. */
function renamed(head: Head, from: Buffer, to: Buffer): void {
  const values: Buffer[] = [];
  head.eachValue(from, (bytes, start, end) => {
    values.push(Buffer.from(bytes.subarray(start, end)));
    return true;
  });
  if (values.length === 0) return;
  head.removeAll(from);
  head.removeAll(to);
  for (const value of values) head.add(to, value);
}

/** The value; undefined when its variables leave nothing of it. */
function currentValue({ fixed, template }: Edit, source: VariableSource): Buffer | undefined {
  if (fixed !== undefined || typeof template === 'string') return fixed;
  const text = template(source);
  return text === '' ? undefined : Buffer.from(text, 'latin1');
}

function editOf([name, value]: readonly [string, string]): Edit {
  const lower = checkedName(name);
  if (!all(Buffer.from(value, 'utf8'), FIELD))
    throw refused(name, 'its value has control characters or line ends');
  const made = headerTemplate(value);
  return {
    lower,
    name: typeof made === 'string' ? Buffer.from(name, 'latin1') : lower,
    fixed: typeof made === 'string' ? Buffer.from(made, 'utf8') : undefined,
    template: made,
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
