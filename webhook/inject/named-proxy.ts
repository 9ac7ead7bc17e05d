// Pods without packet rules: their containers are told of the proxy by name, as HTTP clients have it (http_proxy), and other
// proxies by an annotation where it takes mesh TLS. No container of such a pod needs a capability.
import { ANNOTATIONS, PORTS } from '../../src/config/index.ts';
import { type ObjectRef, type Problem, problem } from '../../src/model/index.ts';
import type { Container, PodSpec } from './pod.ts';

/**
 * Who sends traffic to the proxy: packet rules that an init container writes (`init`), or the proxy itself before it becomes its
 * own user (`proxy`), or no rules but the app (`none`).
 */
export const REDIRECTIONS = ['init', 'proxy', 'none'] as const;
export type Redirection = (typeof REDIRECTIONS)[number];

/** What tells other proxies where this one takes mesh TLS. */
export const namedProxyAnnotations = { [ANNOTATIONS.tunnelPort]: `${PORTS.inbound}` };

const proxy = `http://127.0.0.1:${PORTS.outbound}`;
const exceptions = 'localhost,127.0.0.1,::1';

/** Lower and upper case: curl and Go read the first, others the second. Only HTTP: TLS that an app speaks itself passes by. */
const variables: Readonly<Record<string, string>> = {
  http_proxy: proxy,
  HTTP_PROXY: proxy,
  no_proxy: exceptions,
  NO_PROXY: exceptions,
};

/** The first of the variables that a container sets itself. */
function ownVariable({ env }: Container): string | undefined {
  return env?.find(({ name }) => Object.hasOwn(variables, name))?.name;
}

/** Names of the containers that are told: those that set none of the variables, since what their authors set is to stay. */
export function told(spec: PodSpec): readonly string[] {
  return spec.containers.filter(each => ownVariable(each) === undefined).map(({ name }) => name);
}

/** Adds the variables. */
export function nameProxy(container: Container): Container {
  const added = Object.entries(variables).map(([name, value]) => ({ name, value }));
  return { ...container, env: [...(container.env ?? []), ...added] };
}

/** Takes variables out again that still are as they were set. */
export function forgetProxy(given: NonNullable<Container['env']>): NonNullable<Container['env']> {
  return given.filter(({ name, value }) => !(Object.hasOwn(variables, name) && variables[name] === value));
}

/** What such a pod does without, and whose calls pass the proxy by for a reason of their own. */
export function namedProxyWarnings(spec: PodSpec, object?: ObjectRef): Problem[] {
  const warnings = spec.containers.flatMap((container, index) => {
    const own = ownVariable(container);
    if (own === undefined || container.env?.some(({ value }) => value === proxy)) return [];
    const message =
      `container ${container.name} sets ${own} itself, so it is not told of Weft's proxy; ` +
      `set http_proxy to ${proxy} there, or take ${own} out`;
    const where = { object, path: `spec.containers[${index}].env`, severity: 'warning' } as const;
    return [problem('proxy-named-already', message, where)];
  });
  const message =
    'without packet rules the proxy carries only what it is given: HTTP clients that obey http_proxy, and peers in the mesh. ' +
    'Other connections pass it by, so STRICT mutual TLS and policies of the receiving side do not bind them';
  const path = `metadata.annotations[${ANNOTATIONS.redirection}]`;
  return [...warnings, problem('not-redirected', message, { object, path, severity: 'warning' })];
}
