// Rules for requests to a host, as a caller meets them, and what becomes of the requests.
import type { ObjectMesh } from '../../analyze/index.ts';
import {
  abortWords,
  formatAddress,
  type Mesh,
  NO_ROUTE,
  type ObjectRef,
  type Route,
  type Workload,
} from '../../model/index.ts';
import {
  type Caller,
  type ExplainedDestination,
  explainDestination,
  resolveEndpoints,
} from '../../resolve/index.ts';
import { matchWords, timeWords } from '../proxy-config/words.ts';
import { OriginIndex } from '../route/origin-index.ts';
import type { RuleFact, Share } from './facts.ts';
import { limitWords } from './policies.ts';

/** What a caller meets at `host:port`. */
export interface Met {
  readonly explained: ExplainedDestination;
  readonly rules: readonly RuleFact[];
}

/** Asks resolve/, whose answer proxies get. */
export function rulesOf({ mesh, objects }: ObjectMesh, caller: Caller, host: string, port: number): Met {
  const key = formatAddress(host, port);
  const explained = explainDestination(mesh, caller, key);
  const origins = new OriginIndex(objects.map(({ ref }) => ref));
  const { resource, rules } = explained;
  const facts = resource.routes.map((route, index): RuleFact => {
    const rule = rules[index];
    const object = rule ? (rule.rule.from ?? rule.table.from) : origins.of(route.from);
    return {
      host: key,
      place: index + 1,
      ...(object && { object }),
      ...(rule && { path: rule.rule.path }),
      match: matchWords(route.matches),
      action: actionOf(route),
      shares: route.action.kind === 'forward' ? sharesOf(mesh, caller, route.action.clusters) : [],
      timeoutMs: route.timeoutMs,
      retry: route.retry,
      besides: besides(route),
    };
  });
  const streams = resource.routes.length === 0 ? sharesOf(mesh, caller, resource.tcp) : [];
  if (streams.length === 0) return { explained, rules: facts };
  const retry = { ...noRetry };
  const whole = {
    match: 'any connection',
    action: 'sends',
    shares: streams,
    timeoutMs: 0,
    retry,
    besides: [],
  };
  return { explained, rules: [{ host: key, place: 1, ...whole }] };
}

const noRetry: RuleFact['retry'] = {
  ...{ attempts: 0, perTryTimeoutMs: 0, on: [], backoffBaseMs: 0, backoffMaxMs: 0, nonIdempotent: false },
};

function actionOf({ action, name }: Route): string {
  if (action.kind === 'respond')
    return name === NO_ROUTE ? 'answers 404: no rule matches' : `answers ${action.status}`;
  if (action.kind === 'redirect') return `redirects with ${action.status}`;
  return action.clusters.length === 0 ? 'answers 503: it has no target' : 'sends';
}

function sharesOf(
  mesh: Mesh,
  caller: Caller,
  clusters: readonly { readonly cluster: string; readonly weight: number; readonly invalid?: string }[],
): readonly Share[] {
  const sum = clusters.reduce((total, { weight }) => total + weight, 0);
  return clusters.map(({ cluster, weight, invalid }) => {
    const { endpoints, total, why } = resolveEndpoints(mesh, caller, cluster).resource;
    const reason = invalid ?? why;
    return {
      cluster,
      percent: sum === 0 ? 0 : Math.round((weight / sum) * 10_000) / 100,
      ready: endpoints.length,
      total,
      ...(reason !== undefined && { why: reason }),
    };
  });
}

function besides(route: Route): readonly string[] {
  const {
    mirrors = [],
    fault,
    rateLimits = [],
    session,
    cors,
    requestHeaders,
    responseHeaders,
    action,
  } = route;
  return [
    ...(fault?.delay ? [`${fault.delay.percent} % wait ${timeWords(fault.delay.ms)} on purpose`] : []),
    ...(fault?.abort ? [`${fault.abort.percent} % are answered ${abortWords(fault.abort)} on purpose`] : []),
    ...mirrors.map(({ cluster, percent }) => `${percent} % are copied to ${cluster}`),
    ...rateLimits.map(each => `lets pass ${limitWords(each)}`),
    ...(session ? [`keeps clients at their endpoint by the cookie ${session.cookie}`] : []),
    ...(cors ? ['answers CORS'] : []),
    ...(action.kind === 'forward' && action.path ? ['rewrites the path'] : []),
    ...(action.kind === 'forward' && action.authority !== undefined ? [`as host ${action.authority}`] : []),
    ...(requestHeaders ? ['edits request headers'] : []),
    ...(responseHeaders ? ['edits response headers'] : []),
  ];
}

/** The rules of any host that may send requests to the workload, as callers of its own namespace meet them. */
export function rulesTo(loaded: ObjectMesh, caller: Caller, workload: Workload): readonly RuleFact[] {
  const { mesh } = loaded;
  const key = `${workload.namespace}/${workload.name}`;
  const behind = [...mesh.services.values()].filter(({ endpoints }) =>
    [...endpoints.values()]
      .flat()
      .some(each => (each.workload ?? mesh.workloadByAddress.get(each.address)) === key),
  );
  const asked = new Map<string, readonly [host: string, port: number]>();
  const ask = (host: string, port: number): void => void asked.set(formatAddress(host, port), [host, port]);
  for (const { host, ports } of behind) for (const { number } of ports) ask(host, number);
  const hosts = new Set(behind.map(({ host }) => host));
  for (const table of [...mesh.routeTables.values()].flat()) {
    if (table.attachment !== undefined) continue;
    const targets = table.http.flatMap(({ action }) => (action.kind === 'forward' ? action.targets : []));
    if (table.host.includes('*') || hosts.has(table.host) || !targets.some(({ host }) => hosts.has(host)))
      continue;
    for (const port of portsOf(mesh, table.host, table.port)) ask(table.host, port);
  }
  const here = (cluster: string): boolean => leadsTo(mesh, caller, cluster, workload);
  return [...asked.values()].flatMap(([host, port]) => {
    const { explained, rules } = rulesOf(loaded, caller, host, port);
    return rules.flatMap(rule => {
      const shares = rule.shares.map(each => (here(each.cluster) ? { ...each, here: true } : each));
      const copied = mirrorsOf(explained.resource.routes[rule.place - 1]).some(here);
      return copied || shares.some(each => each.here) ? [{ ...rule, shares }] : [];
    });
  });
}

/** The clusters that get copies of the route's requests. */
function mirrorsOf(route: Route | undefined): readonly string[] {
  const shares = route?.action.kind === 'forward' ? route.action.clusters : [];
  return [...(route?.mirrors ?? []), ...shares.flatMap(each => each.mirrors ?? [])].map(
    ({ cluster }) => cluster,
  );
}

function portsOf(mesh: Mesh, host: string, port: number | undefined): readonly number[] {
  if (port !== undefined) return [port];
  const service = mesh.services.get(mesh.serviceByHost.get(host) ?? '');
  return service ? service.ports.map(({ number }) => number) : [80];
}

/** Whether the cluster has the workload among its endpoints. */
export function leadsTo(
  mesh: Mesh,
  caller: Caller,
  cluster: string,
  { namespace, name, addresses }: Workload,
): boolean {
  return resolveEndpoints(mesh, caller, cluster).resource.endpoints.some(
    ({ peer, address }) => (peer.pod === name && peer.namespace === namespace) || addresses.includes(address),
  );
}

/** With its file and line, where that is known. */
export function placed({ objects }: ObjectMesh, object: ObjectRef | undefined): ObjectRef | undefined {
  return new OriginIndex(objects.map(({ ref }) => ref)).of(object);
}
