// Pods without packet rules: their containers are told of the proxy by name, as HTTP clients have it (http_proxy), and other proxies by an
// annotation where it takes mesh TLS. No container of such a pod needs a capability.
import { ANNOTATIONS, PORTS } from '../../src/config/index.ts';
import { type ObjectRef, type Problem, problem } from '../../src/model/index.ts';
import type { Container, PodTemplate } from './pod.ts';

/** Who sends traffic to the proxy: packet rules that an init container writes, or the app itself. */
export type Redirection = 'init' | 'none';

/** The words that option and annotation take. */
export const REDIRECTIONS = ['init', 'none'] as const;

/** What was done to the app's containers. */
export interface NamedProxy {
  readonly containers: readonly Container[];
  /** Names of added variables, by container. */
  readonly env: Readonly<Record<string, readonly string[]>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly warnings: readonly Problem[];
}

const proxy = `http://127.0.0.1:${PORTS.outbound}`;
const exceptions = 'localhost,127.0.0.1,::1';

/** Lower and upper case: curl and Go read the first, others the second. Only HTTP: TLS that an app speaks itself passes by. */
const variables: Readonly<Record<string, string>> = {
  http_proxy: proxy,
  HTTP_PROXY: proxy,
  no_proxy: exceptions,
  NO_PROXY: exceptions,
};

/** A container that has any of the variables is left as it is: its author has thought about proxies. */
export function nameProxy(pod: PodTemplate, object?: ObjectRef): NamedProxy {
  const env: Record<string, readonly string[]> = {};
  const names = Object.keys(variables);
  const warnings: Problem[] = [];
  const containers = pod.spec.containers.map((container, index) => {
    const given = container.env ?? [];
    const own = given.find(({ name }) => names.includes(name));
    if (own !== undefined) {
      warnings.push(
        problem(
          'proxy-named-already',
          `container ${container.name} sets ${own.name} itself, so its calls pass Weft's proxy by; let it name ${proxy}, or take the variable out`,
          { object, path: `spec.containers[${index}].env`, severity: 'warning' },
        ),
      );
      return container;
    }
    env[container.name] = names;
    return { ...container, env: [...given, ...names.map(name => ({ name, value: variables[name]! }))] };
  });
  warnings.push(
    problem(
      'not-redirected',
      'without packet rules the proxy carries only what it is given: HTTP clients that obey http_proxy, and peers in the mesh. ' +
        'Other connections pass it by, so STRICT mutual TLS and policies of the receiving side do not bind them',
      { object, path: `metadata.annotations[${ANNOTATIONS.redirection}]`, severity: 'warning' },
    ),
  );
  return { containers, env, annotations: { [ANNOTATIONS.tunnelPort]: `${PORTS.inbound}` }, warnings };
}

/** Takes variables out again that still are as they were set. */
export function forgetProxy(given: NonNullable<Container['env']>): NonNullable<Container['env']> {
  return given.filter(({ name, value }) => !(Object.hasOwn(variables, name) && variables[name] === value));
}
