// What `weft inject` and `weft uninject` have in common: texts in, one text and a report out, or nothing but the report.

import { namespacesOf, type ObjectOutcome, type ObjectSurroundings, patchOf } from '../../webhook/index.ts';
import { formatRef, type ObjectRef, type Problem } from '../model/index.ts';
import { readYamlText, type YamlText } from './yaml-text.ts';

/** One input: a file, or stdin under the name `stdin`. */
export interface InputText {
  readonly name: string;
  readonly text: string;
}

/** The change of one object: `inject` or `uninject` with its options bound. */
export type ChangeObject = (
  object: unknown,
  surroundings: ObjectSurroundings,
) => { object: unknown; outcomes: ObjectOutcome[] };

/** What came of it. */
export interface Transformed {
  /** Undefined when anything failed: a mesh half applied is worse than none. */
  readonly output: string | undefined;
  /** For stderr, a line each. */
  readonly report: readonly string[];
}

/**
 * Applies `change` to every object of every input. All or nothing: unreadable YAML or a refused object leaves no output, and
 * the report lists everything that was wrong, not the first thing only. Namespaces found anywhere in the inputs count
 * for the objects in them.
 */
export function transform(
  inputs: readonly InputText[],
  change: ChangeObject,
  words: { readonly changed: string; readonly namespace: string },
): Transformed {
  const read = inputs.map(({ name, text }) => readYamlText(name, text));
  const mistakes = read.flatMap(file => file.mistakes);
  if (mistakes.length > 0) {
    const lines = mistakes.map(mistake => `error      ${mistake}`);
    return { output: undefined, report: [...lines, 'nothing was written: mend the YAML first'] };
  }
  const documents = read.flatMap(file => file.documents);
  const namespaces = namespacesOf(documents.map(({ value }) => value));
  const report = new Report(words.changed);
  const texts: string[] = [];
  for (const document of documents) {
    const { origin } = document;
    const result = change(document.value, { namespace: words.namespace, namespaces, origin });
    report.add(document, result.outcomes);
    const changed = result.object !== document.value;
    texts.push(
      changed ? document.print(patchOf(document.value, result.object), result.object) : document.source,
    );
  }
  return { output: report.failed ? undefined : join(texts), report: report.finish() };
}

/** Documents after one another, with the separators that are missing where files meet. */
function join(texts: readonly string[]): string {
  let output = '';
  for (const text of texts) {
    if (output !== '' && !output.endsWith('\n') && !/^\r?\n/.test(text)) output += '\n';
    const separated = /^(?:\s*(?:#.*)?\n)*(?:---|%)/.test(text) || /(?:^|\n)\.\.\.\s*$/.test(output);
    if (output !== '' && !separated) output += '---\n';
    output += text;
  }
  return output;
}

class Report {
  failed = false;
  readonly #changedWord: string;
  readonly #lines: string[] = [];
  #changed = 0;
  #skipped = 0;
  #others = 0;
  #refused = 0;

  constructor(changedWord: string) {
    this.#changedWord = changedWord;
  }

  add(document: YamlText, outcomes: readonly ObjectOutcome[]): void {
    for (const key of document.twice)
      this.#line(
        'warning',
        `${document.origin}: ${key} stands twice in one map, and the last one counts; take one out`,
      );
    if (outcomes.length === 0 && document.value !== null && document.value !== undefined) this.#others++;
    for (const outcome of outcomes) {
      const who = formatRef(outcome.object);
      if (outcome.kind === 'changed') {
        this.#changed++;
        this.#line(this.#changedWord, who);
        if (document.hasAnchors) {
          this.#line(
            'warning',
            `${who}: its document uses anchors, so they are written out and its comments are lost`,
          );
        }
        for (const warning of outcome.warnings) this.#line('warning', `${who}: ${text(warning)}`);
      } else if (outcome.kind === 'skipped') {
        this.#skipped++;
        this.#line('skipped', `${who}: ${outcome.reason}`);
      } else {
        this.#refused++;
        this.failed = true;
        for (const problem of outcome.problems) this.#line('refused', `${who}: ${text(problem)}`);
      }
    }
  }

  finish(): readonly string[] {
    const counts = [`${this.#changed} ${this.#changedWord}`, `${this.#skipped} skipped`];
    if (this.#refused > 0) counts.push(`${this.#refused} refused`);
    counts.push(`${this.#others} without pods`);
    const end = this.failed ? '; nothing was written: mend what was refused first' : '';
    return [...this.#lines, `${counts.join(', ')}${end}`];
  }

  #line(word: string, rest: string): void {
    this.#lines.push(`${word.padEnd(10)} ${rest}`);
  }
}

function text(problem: Problem & { readonly object?: ObjectRef }): string {
  return `${problem.message} (${problem.path === undefined || problem.path === '' ? problem.code : problem.path})`;
}
