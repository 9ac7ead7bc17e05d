// YAML as kubectl reads it, on the tree of a YAML 1.2 parser: the meaning of scalars, keys that are no strings, keys that stand
// twice, and merges (`<<`), which go over what stands before them.

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { isRecord } from '../../plain/index.ts';
import { type ScalarValue, scalarValue } from './kube-scalar.ts';

/** A document as values, and what its author should know. */
export interface KubeYaml {
  readonly value: unknown;
  /** Keys that stand twice in one map, of which the last counts, with the offset of the one that is passed over. */
  readonly duplicates: readonly { readonly key: string; readonly offset: number }[];
}

/** As many nodes may stand behind aliases in one document; more of them would be a bomb. */
const mostAliased = 400_000;

/** The documents of the text; scalars in them are not resolved yet: see `kubeValue`. */
export function parseKubeYaml(text: string, lineCounter: LineCounter): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text, {
    lineCounter,
    prettyErrors: false,
    schema: 'failsafe',
    uniqueKeys: false,
    logLevel: 'silent',
  });
  return Array.isArray(documents) ? documents : [];
}

/**
 * The values of the document. Throws an Error in words for what kubectl refuses. `bigInts`: whole numbers beyond 2^53 stay exact.
 */
export function kubeValue(document: Document, bigInts = false): KubeYaml {
  const reader = new Reader(bigInts);
  const value = document.contents === null ? null : reader.value(document.contents as Node);
  return { value, duplicates: reader.duplicates };
}

interface Anchored {
  readonly value: unknown;
  /** Nodes in it, those behind its own aliases counted. */
  readonly size: number;
}

class Reader {
  readonly duplicates: { readonly key: string; readonly offset: number }[] = [];
  readonly #bigInts: boolean;
  /** The last node of each name so far; undefined while it is read. */
  readonly #anchors = new Map<string, Anchored | undefined>();
  #nodes = 0;
  #aliased = 0;

  constructor(bigInts: boolean) {
    this.#bigInts = bigInts;
  }

  value(node: Node | null): unknown {
    if (node === null) return null;
    if (isAlias(node)) return this.#alias(node);
    const anchor = (node as { anchor?: string }).anchor;
    if (anchor === undefined) return this.#plain(node);
    this.#anchors.set(anchor, undefined);
    const before = this.#nodes;
    const value = this.#plain(node);
    this.#anchors.set(anchor, { value, size: this.#nodes - before });
    return value;
  }

  #alias({ source }: Alias): unknown {
    if (!this.#anchors.has(source))
      throw new Error(`unknown anchor '${source}'; define it before it is used`);
    const anchored = this.#anchors.get(source);
    if (anchored === undefined) throw new Error(`anchor '${source}' contains itself`);
    this.#nodes += anchored.size;
    this.#aliased += anchored.size;
    if (this.#aliased > mostAliased)
      throw new Error('its aliases stand for more than anybody means; write it out, or split it');
    return anchored.value;
  }

  #plain(node: Node): unknown {
    this.#nodes++;
    if (isScalar(node)) return this.#json(scalarOf(node));
    if (isSeq(node)) return node.items.map(each => this.value(each as Node | null));
    if (isMap(node)) return this.#map(node);
    throw new Error('neither a map, a list nor a scalar');
  }

  #json(value: ScalarValue): unknown {
    return typeof value === 'bigint' && !this.#bigInts ? Number(value) : value;
  }

  #map(map: YAMLMap): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    const written = new Map<string, number>();
    for (const { key, value } of map.items) {
      if (isMerge(key)) {
        for (const [name, each] of this.#merged(value as Node | null)) entries.set(name, each);
        continue;
      }
      const name = this.#key(key as Node | null);
      const first = written.get(name);
      if (first !== undefined) this.duplicates.push({ key: name, offset: first });
      written.set(name, (key as Node | null)?.range?.[0] ?? 0);
      entries.set(name, this.value(value as Node | null));
    }
    // fromEntries defines fields, so that `__proto__` is one like any other.
    return Object.fromEntries(entries);
  }

  #key(node: Node | null): string {
    const key = this.value(node);
    if (key === null) throw new Error('a key is null; put it in quotes if it is a word');
    if (typeof key === 'object') throw new Error('a key is a map or a list, which JSON has not');
    return String(key);
  }

  /** Of several maps the first goes over the others. */
  #merged(node: Node | null): Iterable<readonly [string, unknown]> {
    const value = this.value(node);
    const maps: unknown[] = Array.isArray(value) ? value.toReversed() : [value];
    return maps.flatMap(each => {
      if (isRecord(each)) return Object.entries(each);
      throw new Error("'<<' takes a map, or a list of maps");
    });
  }
}

function isMerge(key: unknown): boolean {
  if (!isScalar(key) || key.source !== '<<') return false;
  return key.tag === 'tag:yaml.org,2002:merge' || (key.type === 'PLAIN' && key.tag === undefined);
}

const standard = 'tag:yaml.org,2002:';
const kinds: Readonly<Record<string, (value: ScalarValue) => boolean>> = {
  int: value => typeof value === 'number' || typeof value === 'bigint',
  float: value => typeof value === 'number' || typeof value === 'bigint',
  bool: value => typeof value === 'boolean',
  null: value => value === null,
};

function scalarOf(scalar: Scalar): ScalarValue {
  const text = scalar.source ?? String(scalar.value ?? '');
  const tag = scalar.tag?.startsWith(standard) ? scalar.tag.slice(standard.length) : scalar.tag;
  if (tag === 'binary') return Buffer.from(text, 'base64').toString();
  if (tag === undefined ? scalar.type !== 'PLAIN' : !Object.hasOwn(kinds, tag)) return text;
  const value = scalarValue(text);
  if (value === undefined)
    throw new Error(`${text} is no number that JSON has; put it in quotes if it is a word`);
  if (tag !== undefined && !kinds[tag]!(value)) throw new Error(`'${text}' is no ${tag}`);
  return value;
}
