import { lowerCode } from './text-test.ts';

/** Rules by the bytes that a path must begin with: a radix tree, walked along the path once. Numbers of rules, ascending. */
export class PathTree {
  readonly #root = new Node(Buffer.alloc(0));
  readonly #lower: boolean;

  /** `lower`: values are lowercase, and capitals of paths count as such. */
  constructor(lower: boolean) {
    this.#lower = lower;
  }

  /** `whole`: nothing may follow `value`. Rules come in ascending order. */
  add(value: Buffer, whole: boolean, rule: number): void {
    const node = this.#root.at(value);
    (whole ? node.whole : node.beginning).push(rule);
  }

  /** Calls `scan` with each list of rules whose value the path begins with, or is. */
  walk(bytes: Uint8Array, start: number, end: number, scan: RuleScan): void {
    let node: Node | undefined = this.#root;
    let at = start;
    for (;;) {
      if (node.beginning.length > 0) scan.rules(node.beginning);
      if (at === end) {
        if (node.whole.length > 0) scan.rules(node.whole);
        return;
      }
      node = node.children[this.#lower ? lowerCode(bytes[at]!) : bytes[at]!];
      if (node === undefined || !this.#begins(bytes, at, end, node.label)) return;
      at += node.label.length;
    }
  }

  #begins(bytes: Uint8Array, start: number, end: number, label: Uint8Array): boolean {
    if (end - start < label.length) return false;
    for (let i = 1; i < label.length; i++) {
      const code = bytes[start + i]!;
      if ((this.#lower ? lowerCode(code) : code) !== label[i]) return false;
    }
    return true;
  }
}

/** Takes the lists of rules that an index finds for a request. */
export interface RuleScan {
  rules(ascending: readonly number[]): void;
}

class Node {
  label: Buffer;
  /** By their first byte. */
  children: (Node | undefined)[] = [];
  whole: number[] = [];
  beginning: number[] = [];

  constructor(label: Buffer) {
    this.label = label;
  }

  /** The node for what follows, made where it is missing. */
  at(value: Buffer): Node {
    if (value.length === 0) return this;
    const child = this.children[value[0]!];
    if (child === undefined) {
      const made = new Node(value);
      this.#adopt(made);
      return made;
    }
    let same = 1;
    while (same < child.label.length && same < value.length && child.label[same] === value[same]) same++;
    if (same < child.label.length) this.#split(child, same);
    return this.children[value[0]!]!.at(value.subarray(same));
  }

  #split(child: Node, at: number): void {
    const upper = new Node(child.label.subarray(0, at));
    child.label = child.label.subarray(at);
    upper.#adopt(child);
    this.#adopt(upper);
  }

  #adopt(child: Node): void {
    const first = child.label[0]!;
    // Without holes, so that looking a byte up stays an array access.
    while (this.children.length <= first) this.children.push(undefined);
    this.children[first] = child;
  }
}
