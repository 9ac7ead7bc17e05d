import { type InjectOptions, injectOptions } from '../../webhook/inject/index.ts';
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
  /** How pods are injected. */
  readonly inject: InjectOptions;
  /** Whether pods are those that the objects ask for, so that there may be others. */
  readonly expectPods: boolean;
}

/** How the objects are read. */
export interface ObjectMeshOptions extends TranslatorOptions {
  /** Put in the pods that the objects ask for and that are not among them, as for a folder of YAML. */
  readonly expectPods: boolean;
  /** How pods are injected; with the labels of all meshes unless told. */
  readonly inject?: InjectOptions;
}

/** Translates all objects at once. What was wrong with reading them goes before what is wrong with the objects. */
export function meshOfObjects(
  objects: readonly Stored[],
  { expectPods, inject = injectOptions({ acceptOtherMeshes: true }), ...options }: ObjectMeshOptions,
  before: readonly Problem[] = [],
): ObjectMesh {
  const made = expectPods ? expectedPods(objects, inject) : [];
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
  return { objects, mesh, problems: [...before, ...translator.problems()], inject, expectPods };
}
