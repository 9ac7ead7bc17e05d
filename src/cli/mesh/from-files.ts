import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Problem, problem } from '../../model/index.ts';
import { keyOf, kindOf, refOf, type Stored } from '../../registry/index.ts';
import { parseFile, withoutChartParts } from '../../source/index.ts';
import { readInputs } from '../input.ts';

/** Objects, and what was wrong with reading them. */
export interface ReadObjects {
  readonly objects: readonly Stored[];
  readonly problems: readonly Problem[];
}

/** The objects of files and folders, each with its file and line. Of two of one name the first counts. */
export async function readFiles(names: readonly string[]): Promise<ReadObjects> {
  const objects = new Map<string, Stored>();
  const problems: Problem[] = [];
  for (const { name, text } of await readInputs(names.flatMap(filesOf))) {
    const parsed = parseFile(text, name);
    problems.push(...parsed.problems.filter(each => names.includes(name) || !isOfOthers(each)));
    for (const { object, line } of parsed.objects) {
      const id = `${kindOf(object.apiVersion, object.kind)} ${keyOf(object.metadata)}`;
      const ref = refOf(object, `${name}:${line}`);
      const first = objects.get(id);
      if (first) problems.push(duplicate(id, ref, first));
      else objects.set(id, { object, ref });
    }
  }
  return { objects: [...objects.values()], problems };
}

/**
 * What a folder has in it and below, but for hidden files; the folder itself where that is nothing, so that the reader says so.
 */
function filesOf(name: string): readonly string[] {
  if (name === '-' || !statSync(name, { throwIfNoEntry: false })?.isDirectory()) return [name];
  const files = globSync('**/*.{yaml,yml,json}', { cwd: name, exclude: each => each === 'node_modules' });
  const shown = files.filter(each => !each.split('/').some(part => part.startsWith('.'))).sort();
  return shown.length === 0 ? [name] : withoutChartParts(shown).map(each => join(name, each));
}

/** Folders hold other YAML and JSON too; who names a file means it. */
function isOfOthers({ code, path }: Problem): boolean {
  if (code === 'file-of-tool') return true;
  return code === 'object-unreadable' && (path === undefined || path === 'apiVersion');
}

function duplicate(id: string, object: Stored['ref'], first: Stored): Problem {
  const message = `${id} stands in ${first.ref.origin} too, and that one counts; remove one of them`;
  return problem('object-duplicate', message, { object, severity: 'warning' });
}
