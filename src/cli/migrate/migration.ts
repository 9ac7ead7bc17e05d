// What becomes of the Ingresses of another controller when Weft serves them. Pure.

import { meshOfObjects, type ObjectMeshOptions } from '../../analyze/index.ts';
import { HAPROXY_CONFIG, INGRESS_CONFIG } from '../../config/index.ts';
import { equal, INGRESS_CONTROLLER, type ObjectRef, type Problem } from '../../model/index.ts';
import { fieldAt } from '../../plain/index.ts';
import type { KubeObject, Stored } from '../../registry/index.ts';
import { controllerSettings } from '../mesh/controller-settings.ts';

/** A controller that people come from. */
export interface FormerController {
  /** `weft migrate NAME`. */
  readonly name: 'ingress-nginx' | 'haproxy' | 'traefik';
  /** In words. */
  readonly title: string;
  /** Whether spec.controller of a class is its own. */
  isItsOwn(controller: string): boolean;
  /** The class that is its own also without an object, as the annotation had it before there were any. */
  readonly usualClass: string;
  /** The page that says what each of its words means. */
  readonly page: string;
  /** Objects beside Ingresses that speak in its words, as `kind`. */
  readonly speaking: readonly string[];
  /** What its ConfigMap is called where Weft reads it. */
  readonly settings?: typeof INGRESS_CONFIG | typeof HAPROXY_CONFIG;
  /** Its own kinds of routes, as `kind`, beside Ingresses. */
  readonly routing?: readonly string[];
  /** Kinds of its own that Weft does not read, each with what to write instead. */
  readonly unread: Readonly<Record<string, string>>;
}

/** By kind, whatever the group: Traefik's was traefik.containo.us before. */
const unreadOfTraefik: Readonly<Record<string, string>> = {
  MiddlewareTCP: 'write an AuthorizationPolicy with addresses for its Gateway',
  TLSStore: 'name the certificate at the IngressClass: weft.dev/default-certificate',
  ServersTransport: 'write a BackendTLSPolicy (gateway.networking.k8s.io)',
  ServersTransportTCP: 'write a BackendTLSPolicy (gateway.networking.k8s.io)',
};

/** Kinds, with their groups, that are only looked at to say so. */
export const UNREAD_KINDS: readonly string[] = Object.keys(unreadOfTraefik).flatMap(kind => [
  `${kind}.traefik.io`,
  `${kind}.traefik.containo.us`,
]);

/** All of them. */
export const FORMER_CONTROLLERS: readonly FormerController[] = [
  {
    name: 'ingress-nginx',
    title: 'ingress-nginx',
    isItsOwn: controller => controller === 'k8s.io/ingress-nginx',
    usualClass: 'nginx',
    page: 'docs/policies/ingress.md',
    speaking: ['ConfigMap'],
    settings: INGRESS_CONFIG,
    unread: {},
  },
  {
    name: 'haproxy',
    title: "HAProxy's ingress controller",
    // One with a class of its own has it behind a slash.
    isItsOwn: controller => /^haproxy\.(org|com)\/ingress-controller(\/|$)/.test(controller),
    usualClass: 'haproxy',
    page: 'docs/policies/ingress-haproxy.md',
    speaking: ['ConfigMap', 'Service'],
    settings: HAPROXY_CONFIG,
    unread: {},
  },
  {
    name: 'traefik',
    title: 'Traefik',
    isItsOwn: controller => controller === 'traefik.io/ingress-controller',
    usualClass: 'traefik',
    page: 'docs/policies/ingress-traefik.md',
    speaking: ['Service', 'Middleware', 'TraefikService', 'TLSOption'],
    routing: ['IngressRoute', 'IngressRouteTCP', 'IngressRouteUDP'],
    unread: unreadOfTraefik,
  },
];

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

/** What there is of a controller, and what becomes of it. */
export interface Migration {
  /** Names of its classes. */
  readonly classes: readonly string[];
  readonly objects: readonly Migrated[];
  /** Ingresses of other controllers, which stay as they are. */
  readonly others: number;
}

/** The objects as they would be read if its classes were Weft's. */
export function migrationOf(
  controller: FormerController,
  objects: readonly Stored[],
  options: ObjectMeshOptions,
): Migration {
  const classes = classesOf(objects, controller);
  const renamed = settingsOf(controller, objects);
  const { problems } = meshOfObjects(taken(objects, classes, controller.name).map(renamed), options);
  const ingresses = objects.filter(isIngress);
  const own = ingresses.filter(each => classes.names.has(classNameOf(each.object) ?? classes.fallback ?? ''));
  const beside = objects.filter(({ object }) => controller.speaking.includes(object.kind));
  const routes = objects.filter(each => isRoute(each, controller, classes));
  const all = [...own, ...routes, ...beside].map(({ ref }): Migrated => {
    // What is not there yet, a certificate say, is not changed by moving.
    const found = problems.filter(each => each.object !== undefined && equal(each.object, ref));
    const notes = [
      ...otherName(ref, renamed),
      ...found.map(({ severity, path = '', message }) => ({ severity, path, message })),
    ];
    const refused = found.some(({ severity }) => severity === 'error');
    return { object: ref, verdict: refused ? 'refused' : notes.length > 0 ? 'differs' : 'same', notes };
  });
  const unread = objects.flatMap(({ object, ref }): readonly Migrated[] => {
    const instead = /\/v1alpha1$/.test(object.apiVersion) ? controller.unread[object.kind] : undefined;
    if (instead === undefined) return [];
    const message = `${object.kind} is not read by Weft; ${instead}`;
    return [{ object: ref, verdict: 'refused', notes: [{ severity: 'error', path: '', message }] }];
  });
  return {
    classes: [...classes.names].sort(),
    objects: [...all, ...unread].filter(
      ({ object, notes }) => isRouting(object.kind, controller) || notes.length > 0,
    ),
    others: ingresses.length - own.length,
  };
}

/** Whether objects of the kind are told of also where nothing is wrong with them. */
export function isRouting(kind: string, { routing = [] }: FormerController): boolean {
  return kind === 'Ingress' || routing.includes(kind);
}

/** Those that name no class are of each. */
function isRoute({ object }: Stored, controller: FormerController, { names }: Classes): boolean {
  if (object.kind === 'Ingress' || !isRouting(object.kind, controller)) return false;
  const named = object.metadata.annotations?.[classAnnotation];
  return named === undefined || named === '' || names.has(named);
}

function isIngress({ object }: Stored): boolean {
  return object.kind === 'Ingress' && object.apiVersion.startsWith('networking.k8s.io/');
}

function classNameOf({ metadata, spec }: KubeObject): string | undefined {
  const named = metadata.annotations?.[classAnnotation] ?? fieldAt(spec, 'ingressClassName');
  return typeof named === 'string' && named !== '' ? named : undefined;
}

type Rename = (stored: Stored) => Stored;

/** The ConfigMap that the controller's flag names, under the name by which Weft reads it. */
function settingsOf({ settings }: FormerController, objects: readonly Stored[]): Rename {
  const refs = new Set(
    controllerSettings(objects).flatMap(({ ref, usual }) => (usual === settings ? [ref] : [])),
  );
  return stored => {
    const { object } = stored;
    const { namespace, name } = object.metadata;
    if (settings === undefined || object.kind !== 'ConfigMap' || !refs.has(`${namespace}/${name}`))
      return stored;
    return { ...stored, object: { ...object, metadata: { ...object.metadata, name: settings } } };
  };
}

function otherName(ref: ObjectRef, rename: Rename): Migrated['notes'] {
  const { apiVersion, kind, namespace, name } = ref;
  const { metadata } = rename({ object: { apiVersion, kind, metadata: { namespace, name } }, ref }).object;
  if (metadata.name === name) return [];
  const message = `the controller reads this ConfigMap by its flag --configmap, and Weft reads one that is called ${metadata.name}: give a copy of it that name`;
  return [{ severity: 'warning', path: 'metadata.name', message }];
}

interface Classes {
  readonly names: ReadonlySet<string>;
  /** Of Ingresses that name none. */
  readonly fallback: string | undefined;
}

/** Classes by their objects; the usual one also without. */
function classesOf(objects: readonly Stored[], { isItsOwn, usualClass }: FormerController): Classes {
  const known = objects.filter(({ object }) => object.kind === 'IngressClass').map(({ object }) => object);
  const own = known.filter(each => isItsOwn(String(fieldAt(each.spec, 'controller'))));
  const names = new Set(own.map(each => each.metadata.name));
  if (!known.some(each => each.metadata.name === usualClass)) names.add(usualClass);
  const standard = known.find(
    each => each.metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true',
  );
  return { names, fallback: standard?.metadata.name ?? (known.length === 0 ? usualClass : undefined) };
}

/** The objects with its classes in Weft's hands. */
function taken(
  objects: readonly Stored[],
  { names, fallback }: Classes,
  dialect: FormerController['name'],
): readonly Stored[] {
  const others = objects.filter(
    ({ object }) => object.kind !== 'IngressClass' || !names.has(object.metadata.name),
  );
  const made = [...names].map((name): Stored => {
    const object: KubeObject = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: {
        name,
        annotations: {
          'weft.dev/dialect': dialect,
          ...(name === fallback && { 'ingressclass.kubernetes.io/is-default-class': 'true' }),
        },
      },
      spec: { controller: INGRESS_CONTROLLER },
    };
    return { object, ref: { apiVersion: object.apiVersion, kind: object.kind, namespace: '', name } };
  });
  return [...others, ...made];
}
