import type { Report } from '../report.ts';
import { ANNOTATIONS, type AnnotationRow } from './annotations.table.ts';
import { nearestName } from './nearest-name.ts';
import { NEVER_EXISTED } from './never-existed.table.ts';
import {
  parseCidrs,
  parseCount,
  parseFlag,
  parseList,
  parseSize,
  parseStatuses,
  parseTimeMs,
} from './values.ts';

/** What annotations of ingress-nginx begin with unless its flag --annotations-prefix says otherwise. */
export const NGINX_PREFIX = 'nginx.ingress.kubernetes.io/';

const byName: ReadonlyMap<string, AnnotationRow> = new Map(ANNOTATIONS.map(each => [each.name, each]));

/**
 * The annotations of one Ingress, each read by its row of ANNOTATIONS. A value that is none refuses the object: who writes a
 * limit with a typo believes in it. What nobody reads, or nobody knows, is named by `rest`.
 */
export class Annotations {
  readonly #values: Readonly<Record<string, string>>;
  readonly #report: Report;

  readonly #at: (name: string) => string;

  /** `placeOf`: how the place of a name is told where these are no annotations of an object. */
  constructor(
    all: Readonly<Record<string, unknown>> | undefined,
    report: Report,
    placeOf: (name: string) => string = at,
  ) {
    this.#at = placeOf;
    const own = Object.entries(all ?? {}).filter(([name]) => name.startsWith(NGINX_PREFIX));
    this.#values = Object.fromEntries(
      own.flatMap(([name, value]) =>
        typeof value === 'string' ? [[name.slice(NGINX_PREFIX.length), value.trim()]] : [],
      ),
    );
    this.#report = report;
  }

  has(name: string): boolean {
    return this.#text(name) !== undefined;
  }

  text(name: string): string | undefined {
    return this.#text(name) || undefined;
  }

  /** One of these, in any case. */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = choices.find(each => each.toLowerCase() === text.toLowerCase());
    return found ?? this.wrong(name, `'${text}' is none of ${choices.join(', ')}`);
  }

  flag(name: string): boolean | undefined {
    return this.#read(name, parseFlag, 'is no boolean; write true or false');
  }

  count(name: string): number | undefined {
    return this.#read(name, parseCount, 'is no whole number');
  }

  /** Milliseconds. Timeouts have no unit in ingress-nginx, which ignores `30s` altogether; it is taken as meant. */
  secondsMs(name: string): number | undefined {
    const text = this.text(name);
    if (text !== undefined && !/^\d+$/.test(text) && parseTimeMs(text) !== undefined)
      this.#report.warn(
        'field-not-supported',
        this.#at(name),
        `${this.#at(name)}: '${text}' has a unit; ingress-nginx takes whole seconds without one and ignores this, Weft takes it as it is meant`,
      );
    return this.#read(name, parseTimeMs, 'is no number of seconds');
  }

  /** Bytes. */
  size(name: string): number | undefined {
    return this.#read(name, parseSize, 'is no size; write for example 512k, 8m or 1g');
  }

  list(name: string): readonly string[] {
    return this.#read(name, parseList, '') ?? [];
  }

  cidrs(name: string): readonly string[] | undefined {
    return this.#read(
      name,
      parseCidrs,
      'is no list of addresses and ranges such as 10.0.0.0/8,2001:db8::/32',
    );
  }

  statuses(name: string): readonly number[] | undefined {
    return this.#read(name, parseStatuses, 'is no list of statuses from 300 to 599, such as 404,503');
  }

  /** Reports what is wrong with a value, and refuses the object for it. */
  wrong(name: string, why: string): undefined {
    this.#report.error('field-invalid', this.#at(name), `${this.#at(name)} ${why}`);
    return undefined;
  }

  tell(name: string, why: string): void {
    this.#report.warn('field-not-supported', this.#at(name), `${this.#at(name)}: ${why}`);
  }

  /** Names what is there and has no effect, what keeps the object from being taken, and what nobody knows. */
  rest(): void {
    for (const name of Object.keys(this.#values)) {
      const row = byName.get(name);
      if (row === undefined) this.tell(name, unknown(name));
      else if (row.support === 'differs') this.tell(name, `it has no effect: ${row.words}`);
      else if (row.support === 'refused' && parseFlag(this.#values[name]!) !== false)
        this.wrong(name, `cannot be carried out: ${row.words}`);
    }
  }

  #read<T>(name: string, parse: (text: string) => T | undefined, why: string): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    return parse(text) ?? this.wrong(name, `'${text}' ${why}`);
  }

  /** Only names with a row, so that the table is the whole truth. */
  #text(name: string): string | undefined {
    if (!byName.has(name)) throw new Error(`annotation ${name} has no row in annotations.table.ts`);
    return this.#values[name];
  }
}

/** Why an annotation that no ingress-nginx has does nothing: `ingress-nginx never had it; did you mean limit-rps?` */
export function unknown(name: string): string {
  const instead = NEVER_EXISTED.get(name);
  if (instead !== undefined)
    return `ingress-nginx does not know it, so that it never had an effect; write ${instead}`;
  const near = nearestName(name, byName.keys());
  const question = near === undefined ? '' : `; did you mean ${near}?`;
  return `ingress-nginx does not know it, so that it never had an effect${question}`;
}

function at(name: string): string {
  return `metadata.annotations['${NGINX_PREFIX}${name}']`;
}
