import type { ForwardTo, Redirect, Respond, RouteRule, RuleMatch } from '../../model/index.ts';
import { pathRewrite } from '../assemble/delegation.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Delegation } from '../part.ts';
import { readDirectResponse, readRedirect } from './answers.ts';
import { readCors } from './cors.ts';
import { readDestinations } from './destinations.ts';
import { readFault } from './fault.ts';
import { readHeaders } from './headers.ts';
import { type NamedRuleMatch, readHttpMatch } from './http-match.ts';
import { readMirrors } from './mirrors.ts';
import type { Reading } from './reading.ts';
import { readRetries } from './retries.ts';
import { type Rewrite, readRewrite } from './rewrite.ts';

/** What one HTTPRoute comes to: rules, or a place for those of another object; neither where it is for gateways only. */
export interface HttpRoutePart {
  readonly rules: readonly RouteRule[];
  readonly delegation?: Omit<Delegation, 'after'>;
}

/** Key of the RouteFragmentPart that a VirtualService without hosts makes. */
export function fragmentKey(namespace: string, name: string): string {
  return `VirtualService ${namespace}/${name}`;
}

type Action = ForwardTo | Redirect | Respond;

/** Istio's HTTPRoute. `fallbackName` is for rules without a name. */
export function readHttpRoute(route: Fields, fallbackName: string, reading: Reading): HttpRoutePart {
  const { report } = reading;
  const name = route.text('name') || fallbackName;
  const matches = route.objects('match').map(each => readHttpMatch(each, reading));
  const held = matches.flatMap(each => each ?? []);
  const settings = readSettings(route, reading);
  const rewriteFields = route.object('rewrite');
  const rewrite = rewriteFields && readRewrite(rewriteFields, report);
  const delegate = route.object('delegate');
  const to = delegate && readDelegate(delegate, reading);
  const { action, prefix } = readAction(route, reading);
  route.rest();
  if (delegate && action) {
    const message = `${route.path} has a delegate and says itself where requests go; keep one of them`;
    report.error('field-invalid', route.path, message);
  } else if (!delegate && !action) {
    const message = `${route.path} has no route, redirect, directResponse or delegate; say where requests go`;
    report.error('field-invalid', route.path, message);
  }
  // Every match is for gateways: without this the rule would be for all requests.
  if (matches.length > 0 && held.length === 0) return { rules: [] };
  const base = {
    name: nameWith(name, held),
    path: route.path,
    matches: held.map(({ match }) => match),
    ...settings,
  };
  if (to !== undefined) return { rules: [], delegation: { to, rule: base, ...given({ rewrite }) } };
  if (!action) return { rules: [] };
  if (prefix !== undefined && action.kind === 'redirect')
    return { rules: redirectRules(base, held, action, prefix, name) };
  return { rules: rulesOf(base, held, action, rewrite, name) };
}

/** As with rewrites: a path that a prefix matched keeps the rest, others are replaced whole. */
function redirectRules(
  base: Omit<RouteRule, 'action'>,
  matches: readonly NamedRuleMatch[],
  redirect: Redirect,
  prefix: string,
  name: string,
): readonly RouteRule[] {
  const to = (match: RuleMatch | undefined): Redirect => ({
    ...redirect,
    path: pathRewrite(match?.request?.path, prefix),
  });
  if (matches.length <= 1) return [{ ...base, action: to(matches[0]?.match) }];
  return matches.map((each, index) => ({
    ...base,
    name: `${name}.${each.name ?? index}`,
    matches: [each.match],
    action: to(each.match),
  }));
}

/** One rule, or one for each match where what becomes of a request depends on that. */
function rulesOf(
  base: Omit<RouteRule, 'action'>,
  matches: readonly NamedRuleMatch[],
  action: Action,
  rewrite: Rewrite | undefined,
  name: string,
): readonly RouteRule[] {
  if (action.kind !== 'forward' || !rewrite) return [{ ...base, action }];
  const { authority, pathRegex: path, path: value } = rewrite;
  if (value === undefined) return [{ ...base, action: { ...action, ...given({ path, authority }) } }];
  const forward = (match: RuleMatch | undefined): ForwardTo => ({
    ...action,
    path: pathRewrite(match?.request?.path, value),
    ...given({ authority }),
  });
  if (matches.length <= 1) return [{ ...base, action: forward(matches[0]?.match) }];
  return matches.map((each, index) => ({
    ...base,
    name: `${name}.${each.name ?? index}`,
    matches: [each.match],
    action: forward(each.match),
  }));
}

/** As in Istio, `rule.match` where the match has a name. */
function nameWith(name: string, matches: readonly NamedRuleMatch[]): string {
  const [only] = matches;
  return matches.length === 1 && only!.name ? `${name}.${only!.name}` : name;
}

function readSettings(
  route: Fields,
  reading: Reading,
): Partial<Omit<RouteRule, 'name' | 'path' | 'matches' | 'action'>> {
  const { report } = reading;
  const retries = route.object('retries');
  const fault = route.object('fault');
  const cors = route.object('corsPolicy');
  return given({
    timeoutMs: route.duration('timeout'),
    retry: retries && readRetries(retries, report),
    ...readHeaders(route, report),
    mirrors: readMirrors(route, reading),
    fault: fault && readFault(fault, report),
    cors: cors && readCors(cors, report),
  });
}

function readAction(route: Fields, reading: Reading): { readonly action?: Action; readonly prefix?: string } {
  const { report } = reading;
  const redirect = route.object('redirect');
  const response = route.object('directResponse');
  const targets = readDestinations(route, reading, { headers: true });
  const actions: Action[] = [];
  const redirected = redirect && readRedirect(redirect, report);
  if (redirected) actions.push(redirected.redirect);
  if (response) actions.push(readDirectResponse(response, report));
  if (route.has('route')) actions.push({ kind: 'forward', targets });
  if (actions.length > 1) {
    const message = `${route.path} has more than one of route, redirect and directResponse; keep one of them`;
    report.error('field-invalid', route.path, message);
  }
  return given({ action: actions[0], prefix: redirected?.prefix });
}

function readDelegate(delegate: Fields, { namespace, report }: Reading): string | undefined {
  const name = delegate.text('name');
  const where = delegate.text('namespace') || namespace;
  delegate.rest();
  if (name) return fragmentKey(where, name);
  const path = delegate.at('name');
  report.error('field-invalid', path, `${path} is missing; name a VirtualService without hosts`);
  return undefined;
}
