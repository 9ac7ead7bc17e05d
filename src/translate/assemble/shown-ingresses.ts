// Ingresses as they are served: what each says in the dialect of its class, with what it names of other objects. Annotations of
// other dialects than that neither refuse it nor are anybody's business.
import { type Problem, problem } from '../../model/index.ts';
import type { IngressDialectName, IngressWords } from '../ingress/ingress-dialect.ts';
import type { IngressDefaults, ReadFields, ReadIngress, ReadIngressClass } from '../ingress/ingress-model.ts';
import { ingressDialect } from './ingress-dialects.ts';
import { IngressFields, ingressWithFields } from './ingress-fields.ts';
import type { IngressWordsIndex, WordsReader } from './ingress-words.ts';

/** What an Ingress was shown as, and of what. */
interface Shown {
  readonly written: ReadIngress;
  readonly words: IngressWords | undefined;
  readonly dialect: IngressDialectName | undefined;
  /** Before what it names of ConfigMaps is put in. */
  readonly spoken: ReadIngress;
  readonly ingress: ReadIngress;
}

/** All Ingresses, by the parts that they come from. */
export class ShownIngresses {
  readonly fields = new IngressFields();
  readonly #written = new Map<string, ReadIngress>();
  readonly #shown = new Map<string, Shown>();
  /** Ingresses by the ConfigMaps that they name, and the other way round. */
  readonly #naming = new Map<string, Set<string>>();
  readonly #named = new Map<string, readonly string[]>();
  /** What is wrong with them as they are served. */
  readonly #faults = new Map<string, readonly Problem[]>();
  readonly #words: IngressWordsIndex;
  /** May differ from what they were shown as last. */
  #changed = new Set<string>();

  constructor(words: IngressWordsIndex) {
    this.#words = words;
  }

  /** As its object has it. */
  written(id: string): ReadIngress | undefined {
    return this.#written.get(id);
  }

  /** As it was shown last. */
  shown(id: string): ReadIngress | undefined {
    return this.#shown.get(id)?.ingress;
  }

  faults(): Iterable<readonly [id: string, faults: readonly Problem[]]> {
    return this.#faults;
  }

  set(id: string, ingress: ReadIngress, present: boolean): void {
    this.#changed.add(id);
    if (present) this.#written.set(id, ingress);
    else this.#written.delete(id);
  }

  setFields(id: string, read: ReadFields, present: boolean): void {
    this.fields.set(id, read, present);
    for (const each of this.#naming.get(read.ref) ?? []) this.#changed.add(each);
  }

  /** All that there are, or were shown. */
  ids(): Iterable<string> {
    return new Set([...this.#shown.keys(), ...this.#written.keys()]);
  }

  hasChanged(): boolean {
    return this.#changed.size > 0;
  }

  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** The Ingress as it is to be served now. `served`: its class; undefined where it is of none of ours. */
  show(id: string, served: ReadIngressClass | undefined, defaults: IngressDefaults): ReadIngress | undefined {
    const written = this.#written.get(id);
    if (written === undefined) return this.#forget(id);
    const dialect = served?.dialect;
    if (written.dialect !== undefined) return this.#showRoutes(id, written, served);
    const last = this.#shown.get(id);
    const words = this.#said(id, written, dialect);
    const problems = dialect === 'ingress-nginx' ? written.problems : (words?.problems ?? []);
    const before = last?.dialect === dialect ? last : undefined;
    const isSame = before?.written === written && before.words === words;
    const spoken = isSame ? before.spoken : spokenOf(written, words, problems, before?.ingress);
    const names = dialect === 'ingress-nginx' && spoken.refused !== true ? namesOf(spoken) : [];
    this.#name(id, names);
    const whole = names.length > 0 && ingressWithFields(spoken, before?.ingress, this.fields, defaults);
    const ingress = whole ? whole.ingress : spoken;
    const isClosed = spoken.refused === true && written.refused !== true;
    const closed = isClosed ? [closedProblem(written)] : [];
    this.#note(id, [...problems, ...closed, ...(whole ? whole.problems : [])]);
    this.#shown.set(id, { written, words, dialect, spoken, ingress });
    return ingress;
  }

  /** With what its routes come to. */
  #showRoutes(id: string, written: ReadIngress, served: ReadIngressClass | undefined): ReadIngress {
    const resolve = served && ingressDialect(served.dialect)?.resolve;
    const words = this.#words.for(this.#reader(id));
    const own = served?.crossNamespace === true ? { ...written, crossNamespace: true as const } : written;
    const ingress = resolve?.(own, words) ?? written;
    this.#shown.set(id, { written, words: undefined, dialect: served?.dialect, spoken: written, ingress });
    return ingress;
  }

  #reader(id: string): WordsReader {
    return { name: `shown ${id}`, touch: () => void this.#changed.add(id) };
  }

  #said(
    id: string,
    { namespace, name }: ReadIngress,
    dialect: IngressDialectName | undefined,
  ): IngressWords | undefined {
    if (dialect === undefined || dialect === 'ingress-nginx') {
      this.#words.forget(`shown ${id}`);
      return undefined;
    }
    const words = this.#words.for(this.#reader(id));
    return words.find(dialect, 'ingress', `${namespace}/${name}`);
  }

  #forget(id: string): undefined {
    this.#shown.delete(id);
    this.#words.forget(`shown ${id}`);
    this.#name(id, []);
    this.#note(id, []);
  }

  #note(id: string, faults: readonly Problem[]): void {
    if (faults.length > 0) this.#faults.set(id, faults);
    else this.#faults.delete(id);
  }

  #name(id: string, names: readonly string[]): void {
    for (const ref of this.#named.get(id) ?? []) {
      const own = this.#naming.get(ref);
      own?.delete(id);
      if (own?.size === 0) this.#naming.delete(ref);
    }
    for (const ref of names) this.#naming.set(ref, (this.#naming.get(ref) ?? new Set()).add(id));
    if (names.length > 0) this.#named.set(id, names);
    else this.#named.delete(id);
  }
}

/** With what it says. Where that is wrong it is what it was `before`, or its paths answer 503: none gets past what it asks. */
function spokenOf(
  written: ReadIngress,
  words: IngressWords | undefined,
  problems: readonly Problem[],
  before: ReadIngress | undefined,
): ReadIngress {
  if (!hasError(problems)) return words === undefined ? written : { ...written, words };
  return before !== undefined && before.refused !== true ? before : { ...written, refused: true };
}

function hasError(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}

function closedProblem({ from: object }: ReadIngress): Problem {
  const words = 'nothing of this object has held before, so until it is corrected its paths answer 503';
  return problem('policy-closed', words, { object, path: '' });
}

/** The ConfigMaps that its annotations name. */
function namesOf({ settings }: ReadIngress): readonly string[] {
  return [settings.responseFieldsFrom, settings.questionFieldsFrom].filter(each => each !== undefined);
}
