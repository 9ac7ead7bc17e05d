import type { Mesh, Problem } from '../model/index.ts';
import { keyOf, kindOf, type Stored } from '../registry/index.ts';
import { Translator, type TranslatorOptions } from '../translate/index.ts';
import { expectedEndpoints } from './expected-endpoints.ts';
import { expectedPods } from './expected-pods.ts';
import { isLivePod } from './pod-templates.ts';

/** Objects, and the mesh that they make. */
export interface ObjectMesh {
  /** As they were given. */
  readonly objects: readonly Stored[];
  readonly mesh: Mesh;
  /** Everything wrong with single objects, and between them. */
  readonly problems: readonly Problem[];
  /** Whether there are pods in the mesh that do not run: those that the objects ask for. */
  readonly expected: boolean;
}

/** How the objects are read. */
export interface ObjectMeshOptions extends TranslatorOptions {
  /** Put in the pods that the objects ask for and that are not among them, as for a folder of YAML. */
  readonly expectPods: boolean;
}

/** Translates all objects at once. What was wrong with reading them goes before what is wrong with the objects. */
export function meshOfObjects(
  objects: readonly Stored[],
  { expectPods, ...options }: ObjectMeshOptions,
  before: readonly Problem[] = [],
): ObjectMesh {
  const made = expectPods ? expectedPods(objects) : [];
  const pods = [...objects.filter(isLivePod), ...made];
  const slices = expectPods ? expectedEndpoints(objects, pods) : [];
  const translator = new Translator(options);
  const names = new Set(made.map(({ object }) => keyOf(object.metadata)));
  const given = objects.filter(({ object }) => object.kind !== 'Pod' || !names.has(keyOf(object.metadata)));
  const { mesh } = translator.apply(
    [...given, ...made, ...slices].map(stored => ({
      type: 'put',
      kind: kindOf(stored.object.apiVersion, stored.object.kind),
      key: keyOf(stored.object.metadata),
      stored,
    })),
  );
  return { objects, mesh, problems: [...before, ...translator.problems()], expected: made.length > 0 };
}
