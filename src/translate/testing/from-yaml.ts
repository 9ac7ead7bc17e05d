// For tests: a mesh out of YAML text, through the same parser and translator as in production.
import assert from 'node:assert/strict';
import type { Mesh, Problem } from '../../model/index.ts';
import { type Change, keyOf, kindOf, type Owner, refOf } from '../../registry/index.ts';
import { parseFile } from '../../source/index.ts';
import { Translator } from '../translator.ts';

/** The objects of the text as changes; `origin` is `FILE:LINE`. The text must be readable. */
export function changesOf(yaml: string, file = 'test.yaml', owner: Owner = { name: 'test' }): Change[] {
  const parsed = parseFile(yaml, file);
  assert.deepEqual(parsed.problems, []);
  return parsed.objects.map(({ object, line }) => ({
    type: 'put',
    kind: kindOf(object.apiVersion, object.kind),
    key: keyOf(object.metadata, owner.site),
    stored: { object, ref: refOf(object, `${file}:${line}`, owner.site), owner },
  }));
}

/** The mesh that these objects make, and everything wrong with them. */
export function meshFromYaml(yaml: string, file?: string): { mesh: Mesh; problems: readonly Problem[] } {
  const translator = new Translator();
  const { mesh } = translator.apply(changesOf(yaml, file));
  return { mesh, problems: translator.problems() };
}
