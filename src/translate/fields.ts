import { parseDurationMs } from '../model/index.ts';
import { isRecord } from '../plain/index.ts';
import { parseQuantity } from './quantity.ts';
import type { Report } from './report.ts';

/** Bounds of a number. */
export interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
}

/**
 * Reads the fields of one piece of an object with their types checked; every wrong one is reported with its path and read as
 * absent. null is absent. `rest` then reports what nobody has read, so that no field is ignored in silence.
 */
export class Fields {
  readonly path: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #report: Report;
  readonly #read = new Set<string>();

  constructor(values: Readonly<Record<string, unknown>>, path: string, report: Report) {
    this.#values = values;
    this.path = path;
    this.#report = report;
  }

  /** `spec.ports`; brackets where the name is not a plain word. */
  at(name: string): string {
    if (!/^[A-Za-z0-9_-]+$/.test(name)) return `${this.path}['${name}']`;
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined && this.#values[name] !== null;
  }

  names(): string[] {
    return Object.keys(this.#values).filter(name => this.has(name));
  }

  text(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'string') return value;
    return this.#wrong(name, 'must be a string');
  }

  flag(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.#wrong(name, 'must be true or false');
  }

  number(name: string, { min = 0, max = 0xffff_ffff }: NumberBounds = {}): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max)
      return value as number;
    return this.#wrong(name, `must be a whole number from ${min} to ${max}`);
  }

  /** A number that need not be whole: a percentage, a ratio. */
  decimal(name: string, { min = 0, max = 100 }: NumberBounds = {}): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= min && value <= max) return value;
    return this.#wrong(name, `must be a number from ${min} to ${max}`);
  }

  /** A Kubernetes quantity: a whole number, or text such as `500m` or `2k`. */
  quantity(name: string): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const amount = typeof value === 'string' ? parseQuantity(value) : value;
    if (typeof amount === 'number' && amount >= 0 && Number.isFinite(amount)) return amount;
    return this.#wrong(name, 'must be a quantity of 0 or more, such as 90 or 500m');
  }

  /** Whether the field is a list; for those that may be written in two ways. */
  isList(name: string): boolean {
    return Array.isArray(this.#values[name]);
  }

  /** Whether the field is an object; for those that may be written in two ways. */
  isObject(name: string): boolean {
    return isRecord(this.#values[name]);
  }

  /** Whether the field is a text; for those that may be written in two ways. */
  isText(name: string): boolean {
    return typeof this.#values[name] === 'string';
  }

  port(name: string): number | undefined {
    return this.number(name, { min: 1, max: 65_535 });
  }

  /** Milliseconds of a duration such as `1.5s`. */
  duration(name: string, minMs = 0): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const ms = parseDurationMs(text);
    if (ms !== undefined && ms >= minMs) return ms;
    return this.#wrong(
      name,
      `'${text}' is no duration of ${minMs} ms or more; write for example 500ms, 1.5s or 1m`,
    );
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined || choices.includes(text as T)) return text as T | undefined;
    return this.#wrong(name, `'${text}' is none of ${choices.join(', ')}`);
  }

  object(name: string): Fields | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (isRecord(value)) return new Fields(value, this.at(name), this.#report);
    return this.#wrong(name, 'must be an object');
  }

  objects(name: string): readonly Fields[] {
    const values = this.#list(name);
    return values.flatMap((value, index) => {
      const path = `${this.at(name)}[${index}]`;
      if (isRecord(value)) return [new Fields(value, path, this.#report)];
      this.#report.error('field-invalid', path, `${path} must be an object`);
      return [];
    });
  }

  numbers(name: string, { min = 0, max = 0xffff_ffff }: NumberBounds = {}): readonly number[] {
    const values = this.#list(name);
    return values.flatMap((value, index) => {
      if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max)
        return [value as number];
      const path = `${this.at(name)}[${index}]`;
      this.#report.error('field-invalid', path, `${path} must be a whole number from ${min} to ${max}`);
      return [];
    });
  }

  texts(name: string): readonly string[] {
    const values = this.#list(name);
    return values.flatMap((value, index) => {
      if (typeof value === 'string') return [value];
      const path = `${this.at(name)}[${index}]`;
      this.#report.error('field-invalid', path, `${path} must be a string`);
      return [];
    });
  }

  /** A map of strings, as labels are. */
  strings(name: string): Readonly<Record<string, string>> | undefined {
    const fields = this.object(name);
    if (!fields) return undefined;
    return Object.fromEntries(
      fields.names().flatMap(key => {
        const value = fields.text(key);
        return value === undefined ? [] : [[key, value]];
      }),
    );
  }

  /** Reports that the field is there and has no effect, with the reason. */
  unsupported(name: string, reason = 'it has no effect yet'): void {
    if (!this.has(name)) return;
    this.#read.add(name);
    this.#report.warn('field-not-supported', this.at(name), `${this.at(name)}: ${reason}`);
  }

  /** Counts the field as read: it is somebody else's. */
  pass(name: string): void {
    this.#read.add(name);
  }

  /** Reports every field that nobody has read. */
  rest(): void {
    for (const name of this.names()) {
      if (!this.#read.has(name)) this.unsupported(name, 'misspelt or not supported yet; it has no effect');
    }
  }

  /**
   * Refuses every field that nobody has read. For conditions: with one of them left out they would hold for more than was meant.
   */
  refuseRest(): void {
    for (const name of this.names()) {
      if (this.#read.has(name)) continue;
      this.#wrong(
        name,
        'is no condition that is known here; without it this would match too much, so correct it',
      );
    }
  }

  #list(name: string): readonly unknown[] {
    const value = this.#take(name);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.#wrong(name, 'must be a list');
    return [];
  }

  #take(name: string): unknown {
    this.#read.add(name);
    return this.#values[name] ?? undefined;
  }

  #wrong(name: string, message: string): undefined {
    this.#report.error('field-invalid', this.at(name), `${this.at(name)} ${message}`);
    return undefined;
  }
}

/** The fields of an object's `spec` or `status`; empty when it has none. */
export function fieldsOf(object: Readonly<Record<string, unknown>>, name: string, report: Report): Fields {
  return new Fields(object, '', report).object(name) ?? new Fields({}, name, report);
}
