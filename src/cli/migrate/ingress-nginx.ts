// What becomes of the Ingresses of ingress-nginx when Weft serves them. Pure.
import { meshOfObjects, type ObjectMeshOptions } from '../../analyze/index.ts';
import { equal, INGRESS_CONTROLLER, type ObjectRef, type Problem } from '../../model/index.ts';
import { fieldAt } from '../../plain/index.ts';
import type { KubeObject, Stored } from '../../registry/index.ts';

/** spec.controller of the classes of ingress-nginx. */
const controller = 'k8s.io/ingress-nginx';
const classAnnotation = 'kubernetes.io/ingress.class';

/** One object, and what will be different. */
export interface Migrated {
  readonly object: ObjectRef;
  /** `same`: it means the same. `differs`: something has no effect any more, or never had. `refused`: it is not served. */
  readonly verdict: 'same' | 'differs' | 'refused';
  readonly notes: readonly {
    readonly severity: Problem['severity'];
    readonly path: string;
    readonly message: string;
  }[];
}

/** What there is of ingress-nginx, and what becomes of it. */
export interface Migration {
  /** Names of its classes. */
  readonly classes: readonly string[];
  readonly objects: readonly Migrated[];
  /** Ingresses of other controllers, which stay as they are. */
  readonly others: number;
}

/** The objects as they would be read if its classes were Weft's. */
export function migrationOf(objects: readonly Stored[], options: ObjectMeshOptions): Migration {
  const classes = classesOf(objects);
  const { problems } = meshOfObjects(taken(objects, classes), options);
  const ingresses = objects.filter(isIngress);
  const own = ingresses.filter(each => classes.names.has(classNameOf(each.object) ?? classes.fallback ?? ''));
  const maps = objects.filter(({ object }) => object.kind === 'ConfigMap');
  const all = [...own, ...maps].map(({ ref }): Migrated => {
    // What is not there yet, a certificate say, is not changed by moving.
    const found = problems.filter(each => each.object !== undefined && equal(each.object, ref));
    const notes = found.map(({ severity, path = '', message }) => ({ severity, path, message }));
    const refused = found.some(({ severity }) => severity === 'error');
    return { object: ref, verdict: refused ? 'refused' : notes.length > 0 ? 'differs' : 'same', notes };
  });
  return {
    classes: [...classes.names].sort(),
    objects: all.filter(({ object, notes }) => object.kind === 'Ingress' || notes.length > 0),
    others: ingresses.length - own.length,
  };
}

function isIngress({ object }: Stored): boolean {
  return object.kind === 'Ingress' && object.apiVersion.startsWith('networking.k8s.io/');
}

function classNameOf({ metadata, spec }: KubeObject): string | undefined {
  const named = metadata.annotations?.[classAnnotation] ?? fieldAt(spec, 'ingressClassName');
  return typeof named === 'string' && named !== '' ? named : undefined;
}

interface Classes {
  readonly names: ReadonlySet<string>;
  /** Of Ingresses that name none. */
  readonly fallback: string | undefined;
}

/** Classes by their objects; `nginx` also without one, as the annotation had it before there were any. */
function classesOf(objects: readonly Stored[]): Classes {
  const known = objects.filter(({ object }) => object.kind === 'IngressClass').map(({ object }) => object);
  const own = known.filter(each => fieldAt(each.spec, 'controller') === controller);
  const names = new Set(own.map(each => each.metadata.name));
  if (!known.some(each => each.metadata.name === 'nginx')) names.add('nginx');
  const standard = known.find(
    each => each.metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true',
  );
  return { names, fallback: standard?.metadata.name ?? (known.length === 0 ? 'nginx' : undefined) };
}

/** The objects with its classes in Weft's hands. */
function taken(objects: readonly Stored[], { names, fallback }: Classes): readonly Stored[] {
  const others = objects.filter(
    ({ object }) => object.kind !== 'IngressClass' || !names.has(object.metadata.name),
  );
  const made = [...names].map((name): Stored => {
    const object: KubeObject = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: {
        name,
        ...(name === fallback && { annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } }),
      },
      spec: { controller: INGRESS_CONTROLLER },
    };
    return { object, ref: { apiVersion: object.apiVersion, kind: object.kind, namespace: '', name } };
  });
  return [...others, ...made];
}
