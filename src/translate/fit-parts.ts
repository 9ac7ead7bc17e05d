// Whether proxies will take what an object says, asked of the code that they run (routing/): what would be refused by every
// proxy, and with it the whole destination, is refused here, where its author is told.
import { equal, type PolicyKinds, problem, type RouteRule, type RuleMatch } from '../model/index.ts';
import {
  conditionFault,
  type RouteWords,
  rateLimitFault,
  routeFault,
  trafficFault,
} from '../routing/index.ts';
import { rulesAlone } from './ingress/alone.ts';
import type { ReadIngress } from './ingress/ingress-model.ts';
import { isRefusal, refusal } from './nowhere.ts';
import type { Delegation, Part, PlainPolicyKind } from './part.ts';
import type { Report } from './report.ts';

/**
 * The parts with rules that proxies take. A rule that cannot be carried out does not hold up the others: its requests are what
 * they were before, or where it said nothing before are answered 500, which the report says (`rule-refused`). Conditions that
 * cannot be judged, and what stands in no rule, make the whole object wrong, because without them it would mean something else.
 */
export function fitParts(parts: readonly Part[], before: readonly Part[], report: Report): readonly Part[] {
  const fitting = new Fitting(before, report);
  return parts.map(part => fitting.part(part));
}

function requestsOf(rule: RouteRule): readonly NonNullable<RuleMatch['request']>[] {
  return rule.matches.flatMap(each => each.request ?? []);
}

/** Rules in which nothing was wrong. Dialects that translate in part hand the same ones in again. */
const sound = new WeakSet<RouteRule>();

class Fitting {
  readonly #before: readonly Part[];
  readonly #report: Report;
  /** A rule stands in the table of each host. */
  readonly #known = new Map<RouteRule, RouteRule>();

  constructor(before: readonly Part[], report: Report) {
    this.#before = before;
    this.#report = report;
  }

  part(part: Part): Part {
    switch (part.kind) {
      case 'route-table': {
        for (const each of part.delegations ?? []) this.#delegation(each);
        // The very same, where nothing is wrong: who compares it with what was there before sees that at once.
        const http = this.#rules(part.table.http);
        return http === part.table.http ? part : { ...part, table: { ...part.table, http } };
      }
      case 'route-fragment':
        return {
          ...part,
          http: this.#rules(part.http),
          alone: part.alone.map(table => ({ ...table, http: this.#rules(table.http) })),
        };
      case 'match-group':
        this.#conditions(part.matches, '');
        return part;
      case 'targets':
        this.#refuse(routeFault({ action: { kind: 'forward' }, choices: part.targets }), 'spec');
        return part;
      case 'ingress':
        if (part.ingress.dialect === undefined) return { ...part, ingress: fitIngress(part.ingress) };
        for (const { at: path, route } of part.ingress.rules.flatMap(each => each.paths))
          this.#refuse(conditionFault(route?.matches ?? []), path);
        return part;
      case 'policy':
        this.#refuse(policyFault(part.of, part.policy), '');
        return part;
      default:
        return part;
    }
  }

  #rules(rules: readonly RouteRule[]): readonly RouteRule[] {
    if (rules.every(rule => sound.has(rule))) return rules;
    return rules.map(rule => {
      if (sound.has(rule)) return rule;
      const known = this.#known.get(rule) ?? this.#rule(rule);
      this.#known.set(rule, known);
      return known;
    });
  }

  #rule(rule: RouteRule): RouteRule {
    if (this.#conditions(rule.matches, rule.path)) return rule;
    const fault = routeFault(wordsOf(rule)) ?? circlesOf(rule);
    if (fault === undefined) {
      sound.add(rule);
      return rule;
    }
    const last = this.#before
      .flatMap(rulesOf)
      .find(each => each.path === rule.path && equal(each.matches, rule.matches) && !isRefusal(each.action));
    const outcome = last ? 'what this rule said before holds on' : 'its requests are answered 500 until then';
    this.#report.fail('rule-refused', rule.path, `${at(rule.path)}${fault}; ${outcome}`);
    return last ?? refused(rule, fault, this.#report);
  }

  /** Whether there is something wrong with them. */
  #conditions(
    matches: readonly { readonly match?: RuleMatch; readonly request?: RuleMatch['request'] }[],
    path: string,
  ): boolean {
    const requests = matches.flatMap(each => each.match?.request ?? each.request ?? []);
    return this.#refuse(conditionFault(requests), path);
  }

  #delegation({ rule, rewrite }: Delegation): void {
    if (this.#conditions(rule.matches, rule.path)) return;
    const { path: value, pathRegex, authority } = rewrite ?? {};
    const path = value === undefined ? pathRegex : ({ kind: 'full', value } as const);
    const action: RouteWords['action'] = {
      kind: 'forward',
      ...(path && { path }),
      ...(authority !== undefined && { authority }),
    };
    this.#refuse(routeFault({ ...rule, action, choices: [] }), rule.path);
  }

  #refuse(fault: string | undefined, path: string): boolean {
    if (fault !== undefined) this.#report.error('field-invalid', path, `${at(path)}${fault}`);
    return fault !== undefined;
  }
}

/** Whether it fits by itself, in ingress-nginx's words, which nobody asks in other classes; what it comes to is made of all. */
function fitIngress(ingress: ReadIngress): ReadIngress {
  if (ingress.problems.some(({ severity }) => severity === 'error')) return ingress;
  const found = rulesAlone(ingress).flatMap(rule => {
    const fault = conditionFault(requestsOf(rule)) ?? routeFault(wordsOf(rule));
    if (fault === undefined) return [];
    return [problem('field-invalid', `${at(rule.path)}${fault}`, { object: ingress.from, path: rule.path })];
  });
  return found.length === 0 ? ingress : { ...ingress, problems: [...ingress.problems, ...found] };
}

/** Kinds of policies of which proxies may refuse one, asked as they do it. */
const policyFaults: { readonly [K in PlainPolicyKind]?: (policy: PolicyKinds[K]) => string | undefined } = {
  inboundRateLimits: ({ limit }) => conditionFault(limit.matches) ?? rateLimitFault(limit),
  serverPolicies: policy =>
    policy.is === 'route' ? conditionFault(policy.matches.map(({ request }) => request)) : undefined,
  trafficPolicies: policy => {
    const { timeoutMs, streamIdleTimeoutMs: idleTimeoutMs, retry } = policy;
    const route: RouteWords = {
      action: { kind: 'forward' },
      choices: [],
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
      ...(retry && { retry }),
    };
    return trafficFault(policy) ?? routeFault(route);
  },
};

function policyFault<K extends PlainPolicyKind>(kind: K, policy: PolicyKinds[K]): string | undefined {
  return policyFaults[kind]?.(policy);
}

/** Of the rule's redirect, or of those of its targets. */
function circlesOf(rule: RouteRule): string | undefined {
  const { action, responseHeaders } = rule;
  if (action.kind !== 'forward') return circleFault(rule);
  for (const { redirect, responseHeaders: own = responseHeaders } of action.targets) {
    const fault =
      redirect && circleFault({ ...rule, action: redirect, ...(own && { responseHeaders: own }) });
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/**
 * A redirect that changes nothing: clients would come back for ever. One that sets a header may be meant, to come back with a
 * cookie.
 */
function circleFault({ action, matches, responseHeaders }: RouteRule): string | undefined {
  if (action.kind !== 'redirect' || responseHeaders) return undefined;
  const { scheme, authority, port, fromRequestPort, path, status } = action;
  // Who chose one of these says how to come back, and not where: Gateway API's suite has it so.
  if ([303, 307, 308].includes(status)) return undefined;
  if (authority !== undefined || port !== undefined || fromRequestPort) return undefined;
  if (scheme !== undefined && scheme.toLowerCase() !== 'http') return undefined;
  const words = 'the redirect changes nothing, so that clients would come back for ever; say where it leads';
  if (!path || (path.kind === 'prefix' && path.matched === path.value)) return words;
  const same = (match: RuleMatch): boolean =>
    path.kind === 'full' && match.request?.path?.kind === 'exact' && match.request.path.value === path.value;
  return matches.length > 0 && matches.every(same) ? words : undefined;
}

function at(path: string): string {
  return path === '' ? '' : `${path}: `;
}

function rulesOf(part: Part): readonly RouteRule[] {
  if (part.kind === 'route-table') return part.table.http;
  return part.kind === 'route-fragment' ? part.http : [];
}

function wordsOf({ action, ...rule }: RouteRule): RouteWords {
  if (action.kind !== 'forward') return { ...rule, action, choices: [] };
  const { targets: choices, ...forward } = action;
  return { ...rule, action: forward, choices };
}

/** What it says beside its conditions is left out: that may be what is wrong. */
function refused({ name, path, matches, from }: RouteRule, fault: string, { object }: Report): RouteRule {
  const why = `${object.kind} ${object.name}.${object.namespace} ${path}: ${fault}`;
  return { name, path, matches, action: refusal(why), ...(from && { from }) };
}
