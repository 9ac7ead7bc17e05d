// A proposal as YAML that says where each rule comes from.
import { Document, isMap, isScalar, isSeq, visit } from 'yaml';
import type { Proposal, SuggestedPolicy } from './propose.ts';
import type { Proof } from './prove.ts';

/** The documents, with `head` (lines) above them and what is proposed for nobody below. */
export function suggestionText(head: readonly string[], { policies, notes }: Proposal, proof: Proof): string {
  const end = [...notes, ...proofWords(proof)];
  return [
    head.map(comment).join('\n'),
    ...policies.map(policyText),
    ...(end.length > 0 ? [end.map(comment).join('\n')] : []),
  ].join('\n');
}

/** What the proof says. */
export function proofWords({ asked, refused, unknown }: Proof): readonly string[] {
  const times = refused.reduce((sum, each) => sum + each.times, 0);
  return [
    times === 0
      ? `proven: all ${asked} requests and connections of identities that were served would be allowed`
      : `${times} of ${asked} requests and connections that were served would be refused:`,
    ...refused
      .slice(0, 20)
      .map(
        ({ from, to, port, what, times: each, why }) =>
          `  ${from} to ${to}:${port}, ${what} (${each}): ${why}`,
      ),
    ...(refused.length > 20 ? [`  and ${refused.length - 20} more`] : []),
    ...unknown.map(name => `${name} is called and is no workload with a proxy here: nothing is said of it`),
  ];
}

function policyText({ object, notes, rules }: SuggestedPolicy): string {
  const document = new Document(object, { aliasDuplicateObjects: false });
  const above = notes
    .map(
      each => `${comment(each)}
`,
    )
    .join('');
  for (const [index, { note, operations }] of rules.entries()) {
    remark(document, ['spec', 'rules', index], note);
    for (const [at, operation] of operations.entries())
      remark(document, ['spec', 'rules', index, 'to', at], operation.note);
  }
  visit(document, {
    Seq: (_, list) => {
      if (list.items.every(isScalar)) list.flow = true;
    },
    Map: (_, map) => {
      if (map.items.length === 0) map.flow = true;
    },
  });
  return `---\n${above}${document.toString({ lineWidth: 0, flowCollectionPadding: false })}`.trimEnd();
}

function remark(document: Document, path: readonly (string | number)[], note: string): void {
  const node = document.getIn(path, true);
  if (isMap(node) || isSeq(node)) node.commentBefore = ` ${ascii(note)}`;
}

function comment(line: string): string {
  return `# ${ascii(line)}`;
}

/** Clients choose their paths, and some readers of YAML take more than a line feed for the end of a comment. */
function ascii(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}
