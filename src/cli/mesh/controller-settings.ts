// The ConfigMaps of ingress controllers: those that their flags name, and those that Ingresses and settings name in turn.
import { HAPROXY_CONFIG, INGRESS_CONFIG } from '../../config/index.ts';
import { fieldsRef, INGRESS_FIELDS } from '../../model/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';
import type { KubeObject, Stored } from '../../registry/index.ts';

/** A ConfigMap that a controller reads. */
export interface ControllerSettings {
  /** `namespace/name`. */
  readonly ref: string;
  /** What the ConfigMap of that controller is called where Weft reads it. */
  readonly usual: typeof INGRESS_CONFIG | typeof HAPROXY_CONFIG;
}

/** What containers of ingress controllers among the objects are started with: `--configmap`. */
export function controllerSettings(objects: readonly Stored[]): readonly ControllerSettings[] {
  const found = objects.flatMap(({ object }) => {
    const namespace = object.metadata.namespace ?? '';
    return containersOf(object).flatMap((container): readonly ControllerSettings[] => {
      const words = wordsOf(container);
      const usual = controllerOf([String(container.image ?? ''), ...words].join(' '));
      const named = flagOf(words, '--configmap')?.replace('$(POD_NAMESPACE)', namespace);
      const ref = usual && fieldsRef(named ?? '', namespace);
      return usual === undefined || ref === undefined ? [] : [{ ref, usual }];
    });
  });
  return found.filter(({ ref }, at) => found.findIndex(each => each.ref === ref) === at);
}

/** ConfigMaps with fields of headers, `namespace/name`, that annotations and keys of these objects name. */
export function fieldsNamed(objects: readonly Stored[]): readonly string[] {
  const refs = objects.flatMap(({ object: { kind, metadata, data } }) => {
    if (kind === 'ConfigMap')
      return INGRESS_FIELDS.keys.map(each => fieldsRef(String(recordOf(data)[each] ?? '')));
    if (kind !== 'Ingress') return [];
    const { annotations = {}, namespace } = metadata;
    return INGRESS_FIELDS.annotations.map(each => fieldsRef(String(annotations[each] ?? ''), namespace));
  });
  return [...new Set(refs.filter(each => each !== undefined))];
}

function containersOf({ kind, spec }: KubeObject): readonly Readonly<Record<string, unknown>>[] {
  if (kind !== 'Deployment' && kind !== 'DaemonSet') return [];
  return recordsOf(recordOf(recordOf(recordOf(spec).template).spec).containers);
}

function wordsOf({ command, args }: Readonly<Record<string, unknown>>): readonly string[] {
  return [command, args].flatMap(each => (Array.isArray(each) ? each.map(String) : []));
}

function controllerOf(text: string): ControllerSettings['usual'] | undefined {
  if (/nginx-ingress-controller|ingress-nginx/.test(text)) return INGRESS_CONFIG;
  return /haproxy/.test(text) ? HAPROXY_CONFIG : undefined;
}

/** `--name=value`, or the word behind it. */
function flagOf(words: readonly string[], name: string): string | undefined {
  const at = words.findIndex(each => each === name || each.startsWith(`${name}=`));
  if (at < 0) return undefined;
  return words[at] === name ? words[at + 1] : words[at]!.slice(name.length + 1);
}
