import type { TextPosition } from './document.ts';
import type { OptionSchema } from './schema.ts';
import type { CheckedValue } from './values.ts';

/** A value that its type took, and where it stands. */
export interface PlacedValue {
  readonly value: CheckedValue;
  readonly at: TextPosition;
}

/** An entry of a block whose names are the user's own. */
export interface FreeEntry extends PlacedValue {
  readonly name: string;
}

/** A block that was held against its schema: every value in it has its type. Asking for a name that the schema has not throws. */
export class Section {
  readonly name: string;
  readonly at: TextPosition;
  /** Which variant it is, '' where there are none. */
  readonly variant: string;
  readonly entries: FreeEntry[] = [];
  readonly #options: Readonly<Record<string, OptionSchema>>;
  readonly #values = new Map<string, PlacedValue[]>();
  readonly #sections = new Map<string, Section[]>();

  constructor(
    name: string,
    at: TextPosition,
    options: Readonly<Record<string, OptionSchema>>,
    variant: string,
  ) {
    this.name = name;
    this.at = at;
    this.variant = variant;
    this.#options = options;
  }

  /** For the check alone. */
  addValue(name: string, value: PlacedValue): void {
    const known = this.#values.get(name);
    if (known) known.push(value);
    else this.#values.set(name, [value]);
  }

  /** For the check alone. */
  addSection(name: string, section: Section): void {
    const known = this.#sections.get(name);
    if (known) known.push(section);
    else this.#sections.set(name, [section]);
  }

  /** Whether its schema has the option. */
  takes(name: string): boolean {
    return Object.hasOwn(this.#options, name);
  }

  /** Whether somebody wrote it. */
  has(name: string): boolean {
    this.#schemaOf(name);
    return this.#values.has(name) || this.#sections.has(name);
  }

  /** Where it stands; the block's own place where it does not. */
  placeOf(name: string): TextPosition {
    return this.#values.get(name)?.[0]?.at ?? this.#sections.get(name)?.[0]?.at ?? this.at;
  }

  text(name: string): string | undefined {
    const value = this.#first(name);
    return value === undefined ? undefined : String(value);
  }

  number(name: string): number | undefined {
    const value = this.#first(name);
    return typeof value === 'number' ? value : undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.#first(name);
    return typeof value === 'boolean' ? value : undefined;
  }

  /** All values of an option that takes many. */
  values(name: string): readonly PlacedValue[] {
    this.#schemaOf(name);
    return this.#values.get(name) ?? [];
  }

  texts(name: string): readonly string[] {
    return this.values(name).map(each => String(each.value));
  }

  section(name: string): Section | undefined {
    return this.sections(name)[0];
  }

  sections(name: string): readonly Section[] {
    this.#schemaOf(name);
    return this.#sections.get(name) ?? [];
  }

  #first(name: string): CheckedValue | undefined {
    const { fallback } = this.#schemaOf(name);
    return this.#values.get(name)?.[0]?.value ?? fallback;
  }

  #schemaOf(name: string): OptionSchema {
    const schema = this.#options[name];
    if (schema === undefined) throw new TypeError(`${this.name} has no option ${name} in its schema`);
    return schema;
  }
}
