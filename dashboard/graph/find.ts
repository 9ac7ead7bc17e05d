// What people type to find or hide parts of the graph: `reviews`, `ns:shop errors>1%`, `p99>250`, `mtls:no`, `-cart`. Pure.
import { errorShare } from '../state/signals.ts';
import type { GraphLink, GraphNode } from './model.ts';

/** Whether something is meant. */
export interface Finder {
  node(node: GraphNode): boolean;
  link(link: GraphLink): boolean;
}

type Term = (of: { node?: GraphNode; link?: GraphLink }) => boolean | undefined;

/** Reads an expression; every term must hold. A text where it cannot be read: what is wrong with it. Undefined for none. */
export function readFind(text: string): Finder | string | undefined {
  const words = text.trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return undefined;
  const terms: Term[] = [];
  for (const word of words) {
    const term = readTerm(word);
    if (typeof term === 'string') return term;
    terms.push(term);
  }
  const holds = (of: Parameters<Term>[0]): boolean => terms.every(term => term(of) === true);
  return { node: (node: GraphNode) => holds({ node }), link: (link: GraphLink) => holds({ link }) };
}

const figure = /^(rps|errors|p50|p90|p99)(>=|<=|>|<)(\d+(?:\.\d+)?)(%|ms|s)?$/;

function readTerm(word: string): Term | string {
  if (word.startsWith('-') && word.length > 1) {
    const inner = readTerm(word.slice(1));
    if (typeof inner === 'string') return inner;
    return of => {
      const held = inner(of);
      return held === undefined ? undefined : !held;
    };
  }
  const match = figure.exec(word);
  if (match) return figureTerm(match[1]!, match[2]!, Number(match[3]), match[4]);
  const at = word.indexOf(':');
  if (at > 0) return namedTerm(word.slice(0, at), word.slice(at + 1).toLowerCase());
  if (/[<>]/.test(word)) return `“${word}” is not known; write for example errors>1%, p99>250 or rps<1`;
  const wanted = word.toLowerCase();
  return ({ node }) =>
    node && `${node.namespace}/${node.label} ${node.version}`.toLowerCase().includes(wanted);
}

function figureTerm(name: string, sign: string, number: number, unit: string | undefined): Term {
  const limit = unit === 's' && name !== 'errors' ? number * 1_000 : unit === '%' ? number / 100 : number;
  return ({ node, link }) => {
    const signals = node?.inbound ?? link?.signals;
    if (signals === undefined) return undefined;
    const value =
      name === 'errors'
        ? unit === '%'
          ? errorShare(signals)
          : signals.errors
        : signals[name as 'rps' | 'p50' | 'p90' | 'p99'];
    if (value === undefined) return false;
    return sign === '>'
      ? value > limit
      : sign === '<'
        ? value < limit
        : sign === '>='
          ? value >= limit
          : value <= limit;
  };
}

function namedTerm(name: string, value: string): Term | string {
  switch (name) {
    case 'ns':
    case 'namespace':
      return ({ node }) => node?.namespace === value;
    case 'name':
      return ({ node }) => node?.label.toLowerCase().includes(value);
    case 'version':
      return ({ node }) => node?.version.toLowerCase() === value;
    case 'mtls':
      return ({ link, node }) =>
        link
          ? value === 'no'
            ? link.signals.mtls < 1
            : link.signals.mtls === 1
          : node && (node.meshed === 'all') !== (value === 'no');
    case 'protocol':
      return ({ link }) => link && link.protocol === value;
    default:
      return `“${name}:” is not known; there are ns:, name:, version:, mtls:yes|no and protocol:http|tcp`;
  }
}
