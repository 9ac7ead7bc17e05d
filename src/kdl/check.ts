// A document held against a schema: every name, value and place in it is one that the schema knows, or a problem says where it is
// not and what was probably meant.
import { nearestName } from '../plain/index.ts';
import {
  formatPosition,
  type KdlNode,
  type KdlProblem,
  type KdlProperty,
  type KdlValue,
  type TextPosition,
} from './document.ts';
import type { BlockSchema, OptionMark, OptionSchema } from './schema.ts';
import { Section } from './section.ts';
import type { ValueType } from './values.ts';

/** Collects what is wrong with a document. */
export class KdlReport {
  readonly problems: KdlProblem[] = [];

  error(code: string, at: TextPosition, message: string): void {
    this.problems.push({ severity: 'error', code, message, at });
  }

  warn(code: string, at: TextPosition, message: string): void {
    this.problems.push({ severity: 'warning', code, message, at });
  }

  get hasErrors(): boolean {
    return this.problems.some(each => each.severity === 'error');
  }
}

/** The nodes of a document as a section; what the schema does not allow is reported and left out. */
export function checkDocument(
  nodes: readonly KdlNode[],
  schema: BlockSchema,
  at: TextPosition,
  report: KdlReport,
): Section {
  const section = new Section('the configuration', at, schema.options, '');
  new Check(report).children(nodes, schema, section);
  return section;
}

/** A block that was checked, and what was to be said about it. */
interface CheckedBlock {
  readonly schema: BlockSchema;
  readonly section: Section;
  readonly taken: boolean;
  readonly problems: readonly KdlProblem[];
}

/**
 * Blocks of which there are many, by the node that they were read from: of a file that is read again, only those that changed
 * have new nodes (KdlReader).
 */
const checkedBlocks = new WeakMap<KdlNode, CheckedBlock>();

class Check {
  readonly #report: KdlReport;

  constructor(report: KdlReport) {
    this.#report = report;
  }

  children(nodes: readonly KdlNode[], schema: BlockSchema, into: Section): void {
    const first = new Map<string, TextPosition>();
    for (const node of nodes) {
      if (schema.free !== undefined) this.#entry(node, schema.free, into);
      else this.#child(node, schema, into, first);
    }
    for (const [name, option] of Object.entries(schema.options))
      if (option.required && !into.has(name))
        this.#report.error('kdl-missing', into.at, `${into.name} needs ${name}${takes(option)}`);
  }

  #child(node: KdlNode, schema: BlockSchema, into: Section, first: Map<string, TextPosition>): void {
    const name = optionNamed(node.name, schema);
    if (name === undefined) {
      this.#unknown(node.name, node.at, schema, into);
      return;
    }
    const option = schema.options[name]!;
    if (!this.#takesPart(option, node.name, node.at)) return;
    const before = first.get(name);
    if (before !== undefined && !option.many) {
      this.#report.error(
        'kdl-twice',
        node.at,
        `${node.name} stands twice in ${into.name}, first at ${formatPosition(before)}; keep one of the two`,
      );
      return;
    }
    first.set(name, node.at);
    if (option.variants !== undefined) this.#variant(node, option, option.variants, name, into);
    else if (option.block !== undefined) this.#block(node, option, option.block, name, into);
    else this.#values(node, option, name, schema, into);
  }

  /** Whether it is read at all. */
  #takesPart(
    what: { readonly mark?: OptionMark; readonly why?: string },
    name: string,
    at: TextPosition,
  ): boolean {
    if (what.mark === 'refused')
      this.#report.error('kdl-refused', at, `${name} is not supported: ${what.why}`);
    if (what.mark === 'ignored') this.#report.warn('kdl-ignored', at, `${name} has no effect: ${what.why}`);
    return what.mark === undefined || what.mark === 'supported';
  }

  #unknown(name: string, at: TextPosition, schema: BlockSchema, into: Section): void {
    const known = namesOf(schema);
    const meant = nearestName(name, known);
    const end = meant === undefined ? `; it has ${known.join(', ')}` : `; did you mean ${meant}?`;
    this.#report.error('kdl-unknown-name', at, `${into.name} has no option ${name}${end}`);
  }

  #entry(node: KdlNode, type: ValueType, into: Section): void {
    const value = node.args[0];
    const read = value === undefined ? undefined : type.read(value.value);
    if (read === undefined || node.args.length > 1)
      this.#report.error(
        'kdl-invalid-value',
        value?.at ?? node.at,
        `${node.name} takes one value: ${type.words}`,
      );
    else into.entries.push({ name: node.name, value: read, at: node.at });
  }

  #values(node: KdlNode, option: OptionSchema, name: string, schema: BlockSchema, into: Section): void {
    this.#noMore(node.children, node.properties, node.name);
    if (node.args.length === 0)
      this.#report.error(
        'kdl-invalid-value',
        node.at,
        `${node.name} has no value; it takes ${option.type!.words}`,
      );
    for (const [index, arg] of node.args.entries()) {
      if (index > 0 && !option.many) {
        this.#surplus(arg, node, schema);
        return;
      }
      this.#value(arg, option.type!, name, node.name, into);
    }
  }

  /** A second value of an option that takes one: mostly two options on one line. */
  #surplus(arg: KdlValue, node: KdlNode, schema: BlockSchema): void {
    if (typeof arg.value === 'string' && optionNamed(arg.value, schema) !== undefined)
      this.#report.error(
        'kdl-run-together',
        arg.at,
        `${arg.value} is a value of ${node.name} here; put it on a line of its own, or a ; before it`,
      );
    else
      this.#report.error(
        'kdl-invalid-value',
        arg.at,
        `${node.name} takes one value, and has ${node.args.length}`,
      );
  }

  #value(arg: KdlValue, type: ValueType, name: string, written: string, into: Section): void {
    const read = type.read(arg.value);
    if (read !== undefined) into.addValue(name, { value: read, at: arg.at });
    else {
      const value = typeof arg.value === 'string' ? JSON.stringify(arg.value) : `${arg.value}`;
      const meant =
        typeof arg.value === 'string' ? nearestName(arg.value, type.words.split(/, | or /)) : undefined;
      const question = meant === undefined || meant === arg.value ? '' : `; did you mean ${meant}?`;
      this.#report.error(
        'kdl-invalid-value',
        arg.at,
        `${written} is ${value}; it takes ${type.words}${question}`,
      );
    }
  }

  #variant(
    node: KdlNode,
    option: OptionSchema,
    variants: Readonly<Record<string, BlockSchema>>,
    name: string,
    into: Section,
  ): void {
    const arg = node.args[0];
    const variant = arg === undefined ? option.variant : String(arg.value);
    if (variant === undefined || !Object.hasOwn(variants, variant)) {
      const known = Object.keys(variants);
      const meant = variant === undefined ? undefined : nearestName(variant, known);
      const end = meant === undefined ? `it is one of ${known.join(', ')}` : `did you mean ${meant}?`;
      const what = variant === undefined ? 'does not say which it is' : `is "${variant}"`;
      this.#report.error('kdl-invalid-value', arg?.at ?? node.at, `${node.name} ${what}; ${end}`);
      return;
    }
    const schema = variants[variant]!;
    if (!this.#takesPart(schema, `${node.name} "${variant}"`, node.at)) return;
    const section = new Section(`${node.name} "${variant}"`, node.at, schema.options, variant);
    this.#inside(node, node.args.slice(1), schema, section);
    into.addSection(name, section);
  }

  #block(node: KdlNode, option: OptionSchema, schema: BlockSchema, name: string, into: Section): void {
    // What has a value beside its block says something of the block around it, too.
    if (!option.many || option.type !== undefined) {
      this.#newBlock(node, option, schema, name, into);
      return;
    }
    let checked = checkedBlocks.get(node);
    if (checked?.schema !== schema) {
      const report = new KdlReport();
      const { section, taken } = new Check(report).#newBlock(node, option, schema, name, undefined);
      checked = { schema, section, taken, problems: report.problems };
      checkedBlocks.set(node, checked);
    }
    for (const each of checked.problems) this.#report.problems.push(each);
    if (checked.taken) into.addSection(name, checked.section);
  }

  /** `into`: undefined where it is not put in. */
  #newBlock(
    node: KdlNode,
    option: OptionSchema,
    schema: BlockSchema,
    name: string,
    into: Section | undefined,
  ): Pick<CheckedBlock, 'section' | 'taken'> {
    const id =
      schema.args !== undefined && typeof node.args[0]?.value === 'string' ? ` "${node.args[0].value}"` : '';
    const { chosen, variant } = this.#chosen(node, schema);
    const section = new Section(`${node.name}${id}`, node.at, chosen.options, variant);
    let { args } = node;
    // A value with a block beside it: load-balancing "sticky" { … }.
    if (option.type !== undefined) {
      if (args[0] === undefined)
        this.#report.error(
          'kdl-invalid-value',
          node.at,
          `${node.name} has no value; it takes ${option.type.words}`,
        );
      else if (into) this.#value(args[0], option.type, name, node.name, into);
      args = args.slice(1);
    }
    this.#inside(node, args, chosen, section);
    const taken = chosen.mark !== 'refused';
    if (taken) into?.addSection(name, section);
    return { section, taken };
  }

  /** The schema with the options that one of its own asks for. */
  #chosen(node: KdlNode, schema: BlockSchema): { readonly chosen: BlockSchema; readonly variant: string } {
    const { by } = schema;
    const value = by && node.children.find(each => each.name === by.option)?.args[0];
    if (by === undefined || typeof value?.value !== 'string') return { chosen: schema, variant: '' };
    const variant = Object.hasOwn(by.variants, value.value) ? by.variants[value.value] : undefined;
    // What it says is none of those that there are, which its type reports.
    if (variant === undefined) return { chosen: schema, variant: '' };
    this.#takesPart(variant, `${node.name} of ${by.option} "${value.value}"`, value.at);
    const options = { ...schema.options, ...variant.options };
    return { chosen: { ...schema, ...variant, options }, variant: value.value };
  }

  /** Arguments, properties and children of a node that is a block. */
  #inside(node: KdlNode, args: readonly KdlValue[], schema: BlockSchema, section: Section): void {
    const names = schema.args ?? [];
    for (const [index, arg] of args.entries()) {
      const name = names[Math.min(index, names.length - 1)];
      const option = name === undefined ? undefined : schema.options[name];
      if (name === undefined || option?.type === undefined || (index >= names.length && !option.many)) {
        this.#report.error(
          'kdl-invalid-value',
          arg.at,
          `${section.name} takes no value ${JSON.stringify(arg.value)} here`,
        );
        return;
      }
      this.#value(arg, option.type, name, name, section);
    }
    for (const property of node.properties) this.#property(property, schema, section);
    this.children(node.children, schema, section);
  }

  #property(property: KdlProperty, schema: BlockSchema, section: Section): void {
    if (schema.free !== undefined) {
      const read = schema.free.read(property.value);
      if (read !== undefined) section.entries.push({ name: property.name, value: read, at: property.nameAt });
      else
        this.#report.error(
          'kdl-invalid-value',
          property.at,
          `${property.name} takes one value: ${schema.free.words}`,
        );
      return;
    }
    const name = optionNamed(property.name, schema);
    const option = name === undefined ? undefined : schema.options[name];
    if (name === undefined || option === undefined)
      this.#unknown(property.name, property.nameAt, schema, section);
    else if (option.type === undefined)
      this.#report.error(
        'kdl-invalid-value',
        property.at,
        `${property.name} is a block: ${property.name} { … }`,
      );
    else if (this.#takesPart(option, property.name, property.nameAt))
      this.#value(property, option.type, name, property.name, section);
  }

  #noMore(children: readonly KdlNode[], properties: readonly KdlProperty[], name: string): void {
    const at = properties[0]?.nameAt ?? children[0]?.at;
    if (at !== undefined)
      this.#report.error('kdl-invalid-value', at, `${name} takes a value and no block or property`);
  }
}

function takes({ type }: OptionSchema): string {
  return type === undefined ? '' : `: ${type.words}`;
}

function optionNamed(name: string, schema: BlockSchema): string | undefined {
  if (Object.hasOwn(schema.options, name)) return name;
  return Object.entries(schema.options).find(([, { aliases }]) => aliases?.includes(name))?.[0];
}

function namesOf(schema: BlockSchema): readonly string[] {
  return Object.entries(schema.options).flatMap(([name, { aliases = [] }]) => [name, ...aliases]);
}
