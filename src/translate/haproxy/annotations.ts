import { HAPROXY_PREFIXES } from '../../model/index.ts';
import { nearestName } from '../ingress/nearest-name.ts';
import { isCidr, parseCount, parseList } from '../ingress/values.ts';
import type { Report } from '../report.ts';
import {
  HAPROXY_ANNOTATIONS,
  HAPROXY_NEVER_EXISTED,
  type HaproxyPlace,
  type HaproxyRow,
} from './annotations.table.ts';
import { parseHaproxyFlag, parseHaproxyTime } from './values.ts';

const byName: ReadonlyMap<string, HaproxyRow> = new Map(HAPROXY_ANNOTATIONS.map(each => [each.name, each]));

/** Values by their names without prefix. */
export type HaproxyValues = Readonly<Record<string, string>>;

/** The annotations of HAProxy among those of an object. */
export function haproxyValues(all: Readonly<Record<string, unknown>> | undefined): HaproxyValues {
  const values: Record<string, string> = {};
  for (const prefix of HAPROXY_PREFIXES.toReversed())
    for (const [name, value] of Object.entries(all ?? {}))
      if (name.startsWith(prefix) && typeof value === 'string')
        values[name.slice(prefix.length)] = value.trim();
  return values;
}

/** What one object says, or several together, each value read by its row. A value that is none refuses the object. */
export class HaproxyAnnotations {
  readonly #values: HaproxyValues;
  readonly #report: Report;
  readonly #at: (name: string) => string;

  /** `at`: how the place of a name is told. */
  constructor(values: HaproxyValues, report: Report, at: (name: string) => string = placeOf) {
    this.#values = values;
    this.#report = report;
    this.#at = at;
  }

  text(name: string): string | undefined {
    if (!byName.has(name)) throw new Error(`annotation ${name} has no row in annotations.table.ts`);
    return this.#values[name] || undefined;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = choices.find(each => each === text);
    return found ?? this.wrong(name, `'${text}' is none of ${choices.join(', ')}`);
  }

  flag(name: string): boolean | undefined {
    return this.#read(name, parseHaproxyFlag, 'is no boolean; write true or false');
  }

  count(name: string): number | undefined {
    return this.#read(name, parseCount, 'is no whole number');
  }

  timeMs(name: string): number | undefined {
    return this.#read(name, parseHaproxyTime, 'is no time; write for example 500ms, 10s or 1m');
  }

  /** A status between two bounds. */
  status(name: string, allowed: (status: number) => boolean, what: string): number | undefined {
    const status = this.count(name);
    return status === undefined || allowed(status) ? status : this.wrong(name, `${status} is no ${what}`);
  }

  cidrs(name: string): readonly string[] | undefined {
    const text = this.text(name);
    if (text?.startsWith('patterns/') === true)
      return this.wrong(name, `'${text}' is a file of HAProxy; write the addresses and ranges themselves`);
    const parse = (list: string): readonly string[] | undefined => {
      const all = parseList(list);
      return all.length > 0 && all.every(isCidr) ? all : undefined;
    };
    return this.#read(name, parse, 'is no list of addresses and ranges such as 10.0.0.0/8,2001:db8::1');
  }

  wrong(name: string, why: string): undefined {
    this.#report.error('field-invalid', this.#at(name), `${this.#at(name)} ${why}`);
    return undefined;
  }

  /** Names what is there and has no effect, what keeps the object from being taken, and what nobody knows. */
  rest(place: HaproxyPlace): void {
    for (const name of Object.keys(this.#values)) {
      const row = byName.get(name);
      if (row === undefined) this.#tell(name, unknownWords(name));
      else if (place !== 'config' && !row.places.includes(place)) this.#tell(name, elsewhere(row, place));
      else if (row.support === 'differs') this.#tell(name, `it has no effect: ${row.words}`);
      else if (row.support === 'refused' && this.text(name) !== undefined)
        this.wrong(name, `cannot be carried out: ${row.words}`);
    }
  }

  #tell(name: string, why: string): void {
    this.#report.warn('field-not-supported', this.#at(name), `${this.#at(name)}: ${why}`);
  }

  #read<T>(name: string, parse: (text: string) => T | undefined, why: string): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    return parse(text) ?? this.wrong(name, `'${text}' ${why}`);
  }
}

/** Why an annotation that HAProxy's controller does not know does nothing. */
export function unknownWords(name: string): string {
  const told = "HAProxy's controller does not know it, so that it never had an effect";
  const instead = HAPROXY_NEVER_EXISTED.get(name);
  if (instead !== undefined) return `${told}; write ${instead}`;
  const near = nearestName(name, byName.keys());
  return near === undefined ? told : `${told}; did you mean ${near}?`;
}

function elsewhere({ places }: HaproxyRow, place: HaproxyPlace): string {
  const where = places.includes('service')
    ? 'on the Service'
    : places.includes('ingress')
      ? 'on the Ingress'
      : 'as a key of the ConfigMap';
  const here = place === 'service' ? 'on a Service' : 'on an Ingress';
  return `it has no effect ${here}; write it ${where}`;
}

function placeOf(name: string): string {
  return `metadata.annotations['${HAPROXY_PREFIXES[0]}${name}']`;
}
