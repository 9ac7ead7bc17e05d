// What becomes of one request, as plain data: `-o json` prints it as it stands.
import { WeftError } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import {
  type ClusterConfig,
  type DestinationResource,
  type Mirror,
  type MtlsMode,
  NO_ROUTE,
  type ObjectRef,
  type PathRewrite as PathRewriteModel,
  type RateLimit,
  type Route,
  type ShareWork,
  type WeightedCluster,
} from '../../model/index.ts';
import { PathNormalizer, PathRewrite, Redirect, RequestParts } from '../../routing/index.ts';
import { decide } from './decide.ts';
import { type AddressedRequest, headOf, keyOf, type PlainRequest } from './request.ts';

/** Who asks, as far as that is known. */
export interface CallerName {
  /** `Deployment productpage`, or ''. */
  readonly name: string;
  readonly namespace: string;
  /** Undefined where nobody knows. */
  readonly meshed?: boolean;
}

/** Where a rule was written. */
export interface RuleOrigin {
  readonly object?: ObjectRef;
  /** Inside the object. */
  readonly path?: string;
}

/** The endpoints of a cluster. */
export interface EndpointFacts {
  /** May get the request now. */
  readonly ready: number;
  readonly total: number;
  /** Why there can be none. */
  readonly why?: string;
  /** Of the ready ones, how many are spoken to in mutual TLS. */
  readonly mutualTls: number;
  /** What they take, and who said so; undefined where that is not known. */
  readonly accepts?: { readonly mode: MtlsMode; readonly from?: ObjectRef };
  /** What their own proxies let in at most. */
  readonly rateLimits: readonly RateLimit[];
  readonly workloads: readonly string[];
}

/** Where routes and endpoints come from: a mesh, or a proxy that runs. */
export interface RoutingFacts {
  readonly caller: CallerName;
  readonly destination: DestinationResource;
  /** Of the route by its number. */
  origin(route: number): RuleOrigin;
  readonly leftOut: readonly (RuleOrigin & { readonly why: string })[];
  endpoints(cluster: string): EndpointFacts;
}

/** A share of the requests, and what it meets. */
export interface ClusterAnswer extends EndpointFacts, Pick<ShareWork, 'requestHeaders' | 'responseHeaders'> {
  readonly cluster: string;
  /** Percent of the route's requests. */
  readonly percent: number;
  /** As in ActionAnswer, where the share has its own. */
  readonly rewrittenTarget?: string;
  readonly authority?: string;
  /** Its requests are not sent to the cluster but answered so. */
  readonly redirected?: { readonly status: number; readonly location: string };
  /** Why its requests are answered 500. */
  readonly invalid?: string;
  /** Beside those of the route. */
  readonly mirrors?: readonly CopyAnswer[];
  readonly balancer?: ClusterConfig['settings']['balancer'];
}

/** Where copies go. */
export type CopyAnswer = Mirror & EndpointFacts;

/** What the route does. */
export interface ActionAnswer {
  readonly kind: Route['action']['kind'];
  readonly clusters: readonly ClusterAnswer[];
  readonly mirrors: readonly CopyAnswer[];
  /** The request line's target as it is sent on, where it changes. */
  readonly rewrittenTarget?: string;
  readonly authority?: string;
  readonly location?: string;
  readonly status?: number;
  readonly body?: string;
  /** The route as proxies have it: time limits, retries, header edits, fault, limits. */
  readonly route: Route;
}

/** The whole answer. */
export interface RouteAnswer {
  readonly request: PlainRequest;
  /** What rules see and what is sent on, where it differs: path and query with the path normalised. */
  readonly normalizedTarget?: string;
  readonly caller: CallerName;
  readonly destination: Pick<DestinationResource, 'key' | 'found' | 'host' | 'port' | 'protocol' | 'refused'>;
  /** In the order in which they are tried; the last one is taken where `matched`. */
  readonly rules: readonly (RuleOrigin & {
    readonly route: string;
    readonly matched: boolean;
    readonly why?: string;
  })[];
  readonly leftOut: RoutingFacts['leftOut'];
  /** Undefined where HTTP rules have no say. */
  readonly action?: ActionAnswer;
  /** For connections that are not HTTP. */
  readonly connections: readonly ClusterAnswer[];
  readonly notes: readonly string[];
}

/** Decides. Throws a WeftError for a request that is not valid HTTP, or routes that no proxy would take. */
export function answerOf({ request, encrypted }: AddressedRequest, facts: RoutingFacts): RouteAnswer {
  const { destination, caller, leftOut } = facts;
  const { key, found, host, port, protocol, refused } = destination;
  const head = headOf(request);
  const isHttp = !encrypted && protocol !== 'tcp' && protocol !== 'tls' && destination.routes.length > 0;
  const target = isHttp ? normalizedTarget(head, request, destination) : request.target;
  const sent = { ...request, target };
  const { taken, whyNot } = isHttp ? decide(destination.routes, sent, head) : { taken: -1, whyNot: [] };
  const tried = [
    ...whyNot.map((why, index) => ({ index, matched: false, why })),
    ...(taken < 0 ? [] : [{ index: taken, matched: true }]),
  ];
  const route = destination.routes[taken];
  const parts = new RequestParts();
  parts.read(head);
  return {
    request,
    ...(target !== request.target && { normalizedTarget: target }),
    caller,
    destination: { key, found, host, port, protocol, ...(refused !== undefined && { refused }) },
    rules: tried.map(({ index, ...rest }) => ({
      route: destination.routes[index]!.name,
      ...rest,
      ...facts.origin(index),
    })),
    leftOut: isHttp ? leftOut : [],
    ...(route && { action: actionOf(route, parts, facts) }),
    connections: isHttp ? [] : shares(destination.tcp, facts),
    notes: notesOf(facts, encrypted, route),
  };
}

function actionOf(route: Route, parts: RequestParts, facts: RoutingFacts): ActionAnswer {
  const { action, mirrors = [] } = route;
  const common = {
    kind: action.kind,
    clusters: action.kind === 'forward' ? requestShares(action.clusters, parts, facts) : [],
    mirrors: copies(mirrors, facts),
    route,
  };
  if (action.kind === 'respond') return { ...common, status: action.status, body: action.body };
  if (action.kind === 'redirect')
    return { ...common, status: action.status, location: new Redirect(action).location(parts) };
  return {
    ...common,
    ...(action.path && { rewrittenTarget: rewritten(action.path, parts, facts.destination) }),
    ...(action.authority !== undefined && { authority: action.authority }),
  };
}

function copies(mirrors: readonly Mirror[], facts: RoutingFacts): readonly CopyAnswer[] {
  return mirrors.map(each => ({ ...each, ...facts.endpoints(each.cluster) }));
}

function rewritten(path: PathRewriteModel, parts: RequestParts, to: DestinationResource): string {
  const target = new PathRewrite(path).target(parts);
  const normal = PathNormalizer.of(to.pathNormalization).normalizeTarget(Buffer.from(target, 'latin1'));
  return normal?.toString('latin1') ?? target;
}

/** Normalises the path as proxies do before rules see it. Throws a WeftError for one that they refuse. */
function normalizedTarget(head: Head, { method, target }: PlainRequest, to: DestinationResource): string {
  if (!PathNormalizer.of(to.pathNormalization).normalize(head)) {
    const words = `${method} ${target} is answered with 400: the path holds %00, which no rule can be asked about`;
    throw new WeftError('bad-request', words, { source: 'config' });
  }
  return head.bytes.toString('utf8', head.targetStart, head.targetEnd);
}

/** Shares of requests, with what becomes of this one in each. */
function requestShares(
  clusters: readonly WeightedCluster[],
  parts: RequestParts,
  facts: RoutingFacts,
): readonly ClusterAnswer[] {
  return shares(clusters, facts).map((share, index) => {
    const { requestHeaders, responseHeaders, path, authority, redirect, mirrors, invalid } = clusters[index]!;
    return {
      ...share,
      ...(requestHeaders && { requestHeaders }),
      ...(responseHeaders && { responseHeaders }),
      ...(path && { rewrittenTarget: rewritten(path, parts, facts.destination) }),
      ...(authority !== undefined && { authority }),
      ...(redirect && {
        redirected: { status: redirect.status, location: new Redirect(redirect).location(parts) },
      }),
      ...(invalid !== undefined && { invalid }),
      ...(mirrors && { mirrors: copies(mirrors, facts) }),
    };
  });
}

function shares(clusters: readonly WeightedCluster[], facts: RoutingFacts): readonly ClusterAnswer[] {
  const sum = clusters.reduce((total, each) => total + each.weight, 0);
  return clusters.map(({ cluster, weight }) => {
    const config = facts.destination.clusters.find(each => each.name === cluster);
    return {
      cluster,
      percent: sum === 0 ? 0 : Math.round((weight / sum) * 10_000) / 100,
      ...(config && { balancer: config.settings.balancer }),
      ...facts.endpoints(cluster),
    };
  });
}

function notesOf(
  { caller, destination }: RoutingFacts,
  encrypted: boolean,
  route: Route | undefined,
): readonly string[] {
  const { found, key, protocol, refused, askByName } = destination;
  const notes: string[] = [];
  if (caller.meshed === false)
    notes.push(
      `${caller.name} has no proxy: nothing of this happens, its request goes to ${key} as it stands`,
    );
  if (found === 'unknown' && refused !== undefined)
    notes.push(`the mesh does not know ${key}, and it is refused: ${refused}`);
  else if (found === 'unknown')
    notes.push(`the mesh does not know ${key}: the connection is passed through to where it was going`);
  if (askByName)
    notes.push(
      'on this port, requests may name what the mesh knows: ask for the name instead of the address',
    );
  if (encrypted)
    notes.push(
      'the client speaks TLS itself, so that proxies see a connection and no request: rules for HTTP have no say',
    );
  else if (protocol === 'tcp' || protocol === 'tls')
    notes.push(
      `the port says that it is ${protocol}: rules for HTTP have no say; name it http-… where it is HTTP`,
    );
  if (route?.name === NO_ROUTE)
    notes.push('no rule matches, and the object that has the rules wants a 404 then (flag NR)');
  return notes;
}

/** The key that a proxy would ask for. */
export function keyOfUrl({ to }: AddressedRequest): string {
  return keyOf(to);
}
