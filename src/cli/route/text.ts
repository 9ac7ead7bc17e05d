// The answer as people read it.
import {
  abortWords,
  formatRef,
  type HeaderEdits,
  NO_ROUTE,
  type ObjectRef,
  type RateLimit,
  type RetryPolicy,
  type Route,
} from '../../model/index.ts';
import type {
  ActionAnswer,
  ClusterAnswer,
  CopyAnswer,
  EndpointFacts,
  RouteAnswer,
  RuleOrigin,
} from './answer.ts';

/** A few paragraphs: the destination, the rules in turn, what becomes of the request. */
export function routeText(answer: RouteAnswer): string {
  const { request, normalizedTarget, caller, destination, rules, leftOut, action, connections, notes } =
    answer;
  const host = request.headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? '';
  const who = caller.name === '' ? 'somebody' : caller.name;
  const blocks = [
    [
      `${request.method} ${host}${request.target}`,
      `  from ${who} in ${caller.namespace}`,
      ...(normalizedTarget === undefined
        ? []
        : [`  as ${normalizedTarget}: so rules see it, and so it is sent on`]),
    ],
    [`destination  ${destinationText(destination)}`],
    ...(rules.length + leftOut.length > 0 ? [rulesText(answer)] : []),
    ...(action ? [actionText(action)] : []),
    ...(connections.length > 0 ? [['every connection', ...connections.flatMap(clusterText)]] : []),
    ...(notes.length > 0 ? [notes.map(each => `note: ${each}`)] : []),
  ];
  return blocks.map(lines => lines.join('\n')).join('\n\n');
}

function destinationText({ key, found, host, port, protocol }: RouteAnswer['destination']): string {
  if (found === 'unknown') return `${key} (not in the mesh)`;
  const spoken = protocol === 'auto' ? 'protocol found out by looking' : protocol;
  return `${host}:${port} (${found === 'service' ? 'a Service' : 'the address of a pod'}, ${spoken})`;
}

function rulesText({ rules, leftOut }: RouteAnswer): string[] {
  const width = Math.max(...rules.map(each => originText(each).length));
  const lines = rules.map(({ matched, why, ...origin }) => {
    const name = originText(origin);
    return matched ? `  ✓ ${name}` : `  - ${name.padEnd(width)}  ${why}`;
  });
  const others = leftOut.map(({ why, ...origin }) => `  not for this caller: ${originText(origin)}: ${why}`);
  return ['rules, in the order in which they are tried', ...lines, ...others];
}

function originText({ object, path, route }: RuleOrigin & { readonly route?: string }): string {
  if (!object) return route === NO_ROUTE ? 'no rule' : 'the default of the mesh: to the Service itself';
  if (path !== undefined) return `${formatRef(object)} ${path}`;
  if (route === NO_ROUTE) return `${formatRef(object)}: none of its rules`;
  return route === undefined ? formatRef(object) : `${formatRef(object)} ${route}`;
}

function actionText(action: ActionAnswer): string[] {
  const { kind, clusters, status, location, body, route, mirrors } = action;
  const first = {
    forward: [
      clusters.length === 0 ? 'is answered with 503: there is no target' : 'is sent to',
      ...clusters.flatMap(clusterText),
    ],
    redirect: [`is redirected: ${status} to ${location}`],
    respond: [`is answered by the proxy: ${status}${body ? ` ${JSON.stringify(body)}` : ''}`],
  }[kind];
  return [
    ...first,
    ...copyText(mirrors, '  '),
    ...rewriteText(action),
    ...settingsText(route, kind === 'forward'),
  ];
}

function copyText(mirrors: readonly CopyAnswer[], indent: string): string[] {
  return mirrors.map(
    each => `${indent}a copy of ${each.percent} % goes to ${each.cluster} (${endpointText(each)})`,
  );
}

function clusterText(cluster: ClusterAnswer): string[] {
  const { percent, accepts, balancer, redirected, invalid } = cluster;
  if (invalid !== undefined) return [`  ${percent} %  is answered with 500, flag NC: ${invalid}`];
  if (redirected)
    return [
      `  ${percent} %  nobody: it is redirected: ${redirected.status} to ${redirected.location}`,
      ...editsText('response headers of this share', cluster.responseHeaders, '        '),
    ];
  const to = cluster.workloads.length === 0 ? '' : `: ${cluster.workloads.join(', ')}`;
  const takes = { strict: 'mutual TLS only', disable: 'plaintext only', permissive: 'plaintext too' };
  const mode = accepts ? `; they take ${takes[accepts.mode]}${by(accepts.from)}` : '';
  return [
    `  ${percent} %  ${cluster.cluster}  ${endpointText(cluster)}${to}`,
    `        ${tlsText(cluster)}${mode}${balancer ? `; balanced by ${balancer.kind}` : ''}`,
    ...shareText(cluster),
    ...cluster.rateLimits.map(each => `        its proxies let in ${limitText(each)}`),
  ];
}

/** What holds for this share only. */
function shareText(share: ClusterAnswer): string[] {
  const { requestHeaders, responseHeaders, rewrittenTarget, authority, mirrors = [] } = share;
  const indent = '        ';
  return [
    ...(rewrittenTarget === undefined ? [] : [`${indent}path of this share: becomes ${rewrittenTarget}`]),
    ...(authority === undefined ? [] : [`${indent}host of this share: becomes ${authority}`]),
    ...editsText('request headers of this share', requestHeaders, indent),
    ...editsText('response headers of this share', responseHeaders, indent),
    ...copyText(mirrors, indent),
  ];
}

function by(from: ObjectRef | undefined): string {
  return from ? ` (${formatRef(from)})` : '';
}

function endpointText({ ready, total, why }: EndpointFacts): string {
  if (why !== undefined) return `${why}: 503, flag UH`;
  return ready === 0
    ? `none of ${total} endpoints is ready: 503, flag UH`
    : `${ready} of ${total} endpoints ready`;
}

function tlsText({ ready, mutualTls }: EndpointFacts): string {
  if (ready === 0) return 'no connection';
  if (mutualTls === ready) return 'mutual TLS';
  return mutualTls === 0 ? 'plaintext' : `mutual TLS to ${mutualTls}, plaintext to ${ready - mutualTls}`;
}

function rewriteText({ rewrittenTarget, authority }: ActionAnswer): string[] {
  return [
    ...(rewrittenTarget === undefined ? [] : [`  path         becomes ${rewrittenTarget}`]),
    ...(authority === undefined ? [] : [`  host         becomes ${authority}`]),
  ];
}

function settingsText(route: Route, forwards: boolean): string[] {
  const { timeoutMs, retry, fault, rateLimits = [], session, cors } = route;
  const { delay, abort } = fault ?? {};
  return [
    ...(forwards
      ? [`  time limit   ${timeoutMs === 0 ? 'none' : ms(timeoutMs)}`, `  retries      ${retryText(retry)}`]
      : []),
    ...editsText('request      ', route.requestHeaders, '  '),
    ...editsText('response     ', route.responseHeaders, '  '),
    ...(delay ? [`  fault        ${delay.percent} % wait ${ms(delay.ms)}`] : []),
    ...(abort ? [`  fault        ${abort.percent} % are answered with ${abortWords(abort)}`] : []),
    ...rateLimits.map(each => `  rate limit   ${limitText(each)}`),
    ...(session ? [`  session      the cookie ${session.cookie} keeps clients with their endpoint`] : []),
    ...(cors ? [`  CORS         ${cors.origins.length} origins are let in`] : []),
  ];
}

function retryText({
  attempts,
  perTryTimeoutMs,
  on,
  statuses = [],
  nonIdempotent,
  hedgeAfterMs,
}: RetryPolicy): string {
  if (attempts === 0) return 'none';
  const each = perTryTimeoutMs === 0 ? '' : `, ${ms(perTryTimeoutMs)} for each try`;
  const writes = nonIdempotent ? 'POST too' : 'POST only while no byte of it reached the app';
  const hedge = hedgeAfterMs ? `; a second try beside the first after ${ms(hedgeAfterMs)}` : '';
  return `${attempts} more${each}, on ${[...on, ...statuses].join(', ')}; ${writes}${hedge}`;
}

function editsText(label: string, edits: HeaderEdits | undefined, indent: string): string[] {
  const { rename = [], remove = [], set = [], add = [] } = edits ?? {};
  const pairs = (list: readonly (readonly [string, string])[]): string =>
    list.map(([name, value]) => `${name}: ${value}`).join(', ');
  const parts = [
    ...rename.map(([from, to]) => `${from} becomes ${to}`),
    ...(remove.length > 0 ? [`without ${remove.join(', ')}`] : []),
    ...(set.length > 0 ? [`set ${pairs(set)}`] : []),
    ...(add.length > 0 ? [`add ${pairs(add)}`] : []),
  ];
  return parts.length === 0 ? [] : [`${indent}${label}${label.endsWith(' ') ? '' : ': '}${parts.join('; ')}`];
}

function limitText({ bucket, matches, status, enforcedPercent, enabledPercent, from }: RateLimit): string {
  const { maxTokens, perFill, fillIntervalMs } = bucket;
  const which = matches.length > 0 ? ' of some requests' : '';
  const share = Math.min(enforcedPercent, enabledPercent);
  const refused = share === 100 ? `over it ${status}` : `over it ${status} for ${share} %`;
  return `${perFill} each ${ms(fillIntervalMs)}${which}, ${maxTokens} at once; ${refused}${by(from)}`;
}

function ms(value: number): string {
  return value >= 1000 && value % 100 === 0 ? `${value / 1000} s` : `${value} ms`;
}
