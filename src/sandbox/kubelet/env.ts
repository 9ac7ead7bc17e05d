import {
  type ConfigMap,
  type Container,
  clusterIpOf,
  type EnvVar,
  type Pod,
  type Secret,
  type Service,
} from '../kube/index.ts';
import { fieldOf, type PodAddresses, resourceOf } from './fields.ts';

/** Where environment variables find what they refer to. */
export interface EnvLookup {
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
  readonly addresses: PodAddresses;
}

/** The variables, or what they need and does not exist (yet). */
export type EnvResult = { readonly env: Readonly<Record<string, string>> } | { readonly missing: string };

/** The environment of a container (pure): envFrom first, then env in order, with `$(NAME)` expanded. `base` comes before all. */
export function containerEnv(
  pod: Pod,
  container: Container,
  lookup: EnvLookup,
  base: Readonly<Record<string, string>>,
): EnvResult {
  const env: Record<string, string> = { ...base };
  for (const from of container.envFrom ?? []) {
    const source = from.configMapRef ?? from.secretRef;
    if (!source) continue;
    const values = from.configMapRef
      ? configMapValues(lookup.configMap(source.name))
      : secretValues(lookup.secret(source.name));
    if (!values) {
      if (source.optional) continue;
      return { missing: `${from.configMapRef ? 'ConfigMap' : 'Secret'} ${source.name}` };
    }
    for (const [key, value] of Object.entries(values)) env[`${from.prefix ?? ''}${key}`] = value;
  }
  for (const variable of container.env ?? []) {
    const value = valueFor(variable, pod, container, lookup, env);
    if (value !== undefined && typeof value !== 'string') return value;
    if (value !== undefined) env[variable.name] = value;
  }
  return { env };
}

function valueFor(
  variable: EnvVar,
  pod: Pod,
  container: Container,
  lookup: EnvLookup,
  env: Readonly<Record<string, string>>,
): string | undefined | { missing: string } {
  const from = variable.valueFrom;
  if (!from) return expand(String(variable.value ?? ''), env);
  if (from.fieldRef) {
    const field = fieldOf(pod, from.fieldRef.fieldPath, lookup.addresses);
    return (
      field ?? { missing: `the field ${from.fieldRef.fieldPath}, which the downward API does not offer` }
    );
  }
  if (from.resourceFieldRef) {
    const { containerName, resource, divisor } = from.resourceFieldRef;
    const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
    const other = all.find(candidate => candidate.name === containerName) ?? container;
    return resourceOf(other, resource, divisor || 1) ?? { missing: `the resource ${resource}` };
  }
  const ref = from.configMapKeyRef ?? from.secretKeyRef;
  if (!ref) return '';
  const values = from.configMapKeyRef
    ? configMapValues(lookup.configMap(ref.name))
    : secretValues(lookup.secret(ref.name));
  const value = values?.[ref.key];
  if (value !== undefined || ref.optional) return value;
  return { missing: `key ${ref.key} of ${from.configMapKeyRef ? 'ConfigMap' : 'Secret'} ${ref.name}` };
}

/** `$(NAME)` becomes the variable's value when there is one and stays otherwise; `$$` is one dollar. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)/g, (all, name: string | undefined) =>
    name === undefined ? '$' : (env[name] ?? all),
  );
}

/** A ConfigMap's values as text; undefined when there is no ConfigMap. */
export function configMapValues(map: ConfigMap | undefined): Record<string, string> | undefined {
  return map && { ...map.data };
}

/** A Secret's values as text, decoded; undefined when there is no Secret. */
export function secretValues(secret: Secret | undefined): Record<string, string> | undefined {
  if (!secret) return undefined;
  const decoded = Object.entries(secret.data ?? {}).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString(),
  ]);
  return { ...Object.fromEntries(decoded), ...secret.stringData } as Record<string, string>;
}

/** `WEB_SERVICE_HOST` and `WEB_SERVICE_PORT` for every Service of the pod's namespace, as Kubernetes gives by default. */
export function serviceEnv(pod: Pod, services: readonly Service[]): Record<string, string> {
  const env: Record<string, string> = {};
  if (pod.spec.enableServiceLinks === false) return env;
  for (const service of services) {
    const address = clusterIpOf(service);
    const first = service.spec.ports?.[0];
    if (!address || !first || service.metadata.namespace !== pod.metadata.namespace) continue;
    const name = service.metadata.name.toUpperCase().replaceAll('-', '_');
    env[`${name}_SERVICE_HOST`] = address;
    env[`${name}_SERVICE_PORT`] = String(first.port);
    for (const port of service.spec.ports ?? []) {
      if (!port.name) continue;
      env[`${name}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`] = String(port.port);
    }
  }
  return env;
}
