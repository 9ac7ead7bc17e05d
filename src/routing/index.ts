// routing: what policies ask of requests, compiled once per resource and run on bytes: what every path comes to before rules see
// it, which route a request takes (conditions, route index), and what a route does to it (header edits, rewrites, redirects,
// CORS, rate limits). In: the model's routes and a request's head. Out: the number of a route, edits of heads, answers. Knows no
// cluster and no connection, so that `weft route` runs the very same code, and that translation can ask (route-faults.ts) whether
// proxies will take what a policy says.
export {
  CompiledRoute,
  type CompiledShare,
  type CompileParts,
  type RouteChoice,
  type RouteWords,
} from './compiled-route.ts';
export { Condition } from './condition.ts';
export { CORS, Cors } from './cors.ts';
export { withSlashes } from './escaped-slashes.ts';
export { HeaderEdits } from './header-edits.ts';
export type { VariableSource } from './header-template.ts';
export { PathNormalizer } from './path-normalizer.ts';
export { PathRewrite } from './path-rewrite.ts';
export { PathTree, type RuleScan } from './path-tree.ts';
export { type CompiledPattern, compilePattern } from './pattern.ts';
export { chance, LIMIT, type Random, RateLimit, rateLimits } from './rate-limit.ts';
export { Redirect } from './redirect.ts';
export { RequestParts } from './request-parts.ts';
export { isFailure } from './response-classes.ts';
export { conditionFault, rateLimitFault, routeFault } from './route-faults.ts';
export { RouteIndex } from './route-index.ts';
export { RouteMatcher } from './route-matcher.ts';
export { trafficFault } from './traffic-faults.ts';
