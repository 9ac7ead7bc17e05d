import type { AuthorizationTest, ValueMatch } from '../model/index.ts';
import { PathTree, type RuleScan } from '../routing/index.ts';
import { AddressBlock, type AddressWords } from './address-block.ts';
import { AddressTable } from './address-table.ts';
import type { CompiledRule } from './compiled-rule.ts';
import { PathTemplate } from './path-template.ts';
import type { Subject } from './subject.ts';
import { remoteAddress } from './tests.ts';

const namedBy = ['principal', 'namespace', 'service-account', 'request-principal'] as const;
type NamedBy = (typeof namedBy)[number];
const addressedBy = ['source-address', 'remote-address'] as const;
type AddressedBy = (typeof addressedBy)[number];

/** What a rule is found by: one for each of the values with which it may hold. */
interface Key {
  readonly of: NamedBy | AddressedBy | 'path';
  readonly value: string;
  /** Of paths: whether nothing may follow. */
  readonly whole: boolean;
}

/**
 * Which of many rules may hold for a subject: those whose principal, namespace, service account, address or path is the
 * subject's. Each rule stands under the keys of the one clause that the fewest rules share; one that has no such clause is asked
 * every time.
 */
export class RuleIndex {
  readonly #names = new Map<NamedBy, Map<string, number[]>>();
  readonly #addresses = new Map<AddressedBy, AddressTable>();
  readonly #paths: PathTree | undefined;
  readonly #always: number[] = [];

  constructor(rules: readonly CompiledRule[]) {
    const choices = rules.map(rule => rule.said.flatMap(clause => keysOf(clause)));
    const shared = new Map<string, number>();
    for (const keys of choices.flat()) for (const key of keys) count(shared, idOf(key));
    let paths: PathTree | undefined;
    choices.forEach((sets, rule) => {
      const weight = (keys: readonly Key[]): number =>
        keys.reduce((sum, key) => sum + shared.get(idOf(key))!, 0);
      const [best] = sets.toSorted((left, right) => weight(left) - weight(right));
      if (best === undefined) {
        this.#always.push(rule);
        return;
      }
      for (const { of, value, whole } of new Map(best.map(key => [idOf(key), key])).values()) {
        if (of === 'path') {
          paths ??= new PathTree(false);
          paths.add(Buffer.from(value, 'utf8'), whole, rule);
        } else if (isAddressed(of)) this.#addressed(of).add(AddressBlock.of(value)!, rule);
        else this.#named(of, value).push(rule);
      }
    });
    this.#paths = paths;
  }

  /** Calls `scan` with lists of rules that may hold, each in ascending order. */
  walk(subject: Subject, scan: RuleScan): void {
    if (this.#always.length > 0) scan.rules(this.#always);
    for (const [of, rules] of this.#names) {
      const found = rules.get(nameOf(of, subject));
      if (found !== undefined) scan.rules(found);
    }
    for (const [of, table] of this.#addresses) {
      const address = addressOf(of, subject);
      if (address !== undefined) table.walk(address, scan);
    }
    const paths = this.#paths;
    if (paths === undefined || subject.request === undefined) return;
    const { pathBytes, pathStart, pathEnd } = subject.parts;
    paths.walk(pathBytes, pathStart, pathEnd, scan);
  }

  #addressed(of: AddressedBy): AddressTable {
    const table = this.#addresses.get(of) ?? new AddressTable();
    this.#addresses.set(of, table);
    return table;
  }

  #named(of: NamedBy, value: string): number[] {
    const rules = this.#names.get(of) ?? new Map<string, number[]>();
    this.#names.set(of, rules);
    const list = rules.get(value) ?? [];
    rules.set(value, list);
    return list;
  }
}

function isAddressed(of: Key['of']): of is AddressedBy {
  return of === 'source-address' || of === 'remote-address';
}

function addressOf(of: AddressedBy, subject: Subject): AddressWords | undefined {
  return of === 'source-address' ? subject.address : remoteAddress(subject);
}

/** For each attribute that every alternative of the clause asks for by its value: the keys of all of them. */
function keysOf(clause: readonly (readonly AuthorizationTest[])[]): readonly (readonly Key[])[] {
  return [...namedBy, ...addressedBy, 'path' as const].flatMap(of => {
    const keys: Key[] = [];
    for (const tests of clause) {
      const found = tests
        .filter(test => test.of === of && test.not === undefined)
        .map(({ values }) => values.map(value => keyOf(of, value)));
      const known = found.find(each => each.every(key => key !== undefined));
      if (known === undefined) return [];
      keys.push(...(known as readonly Key[]));
    }
    return [keys];
  });
}

function keyOf(of: Key['of'], { kind, value }: ValueMatch): Key | undefined {
  if (isAddressed(of)) return AddressBlock.of(value) && { of, value, whole: true };
  if (kind === 'exact') return { of, value, whole: true };
  if (of !== 'path') return undefined;
  if (kind === 'prefix') return { of, value, whole: false };
  if (kind !== 'template') return undefined;
  return { of, value: new PathTemplate(value).beginning.toString('utf8'), whole: false };
}

function nameOf(of: NamedBy, { caller, token, name }: Subject): string {
  switch (of) {
    case 'principal':
      return caller.principal;
    case 'namespace':
      return name.namespace;
    case 'service-account':
      return name.serviceAccount;
    default:
      return token?.principal ?? '';
  }
}

function idOf({ of, value, whole }: Key): string {
  return `${of} ${whole} ${value}`;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
