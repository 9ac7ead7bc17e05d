import type { AddressRules, PathMatch, Redirect, RequestMatch, Respond } from '../../model/index.ts';
import { type Directive, parseSnippet, SnippetError } from './snippet.ts';
import { isCidr, parseSize } from './values.ts';
import { withOperators } from './variables.ts';

type Pair = readonly [name: string, value: string];

/** What a rule of a snippet answers with, in place of the backend. */
export interface SnippetAnswer {
  /** Undefined for every request. */
  readonly match?: RequestMatch;
  readonly action: Redirect | Respond;
  /** Location, for redirects; operators stand in it. */
  readonly headers: readonly Pair[];
}

/** What the directives of a snippet come to. */
export interface SnippetRules {
  readonly setRequest: Pair[];
  readonly addResponse: Pair[];
  readonly setResponse: Pair[];
  readonly removeResponse: string[];
  readonly addresses: AddressRules['rules'][number][];
  /** In their order; the first that matches. */
  readonly answers: SnippetAnswer[];
  compress?: { types: readonly string[]; minBytes: number; level?: number };
}

/** The directives that are carried out; docs/policies/ingress.md has their table. */
export const SNIPPET_DIRECTIVES = [
  'add_header',
  'more_set_headers',
  'more_clear_headers',
  'proxy_set_header',
  'proxy_hide_header',
  'return',
  'rewrite',
  'deny',
  'allow',
  'gzip',
  'gzip_types',
  'gzip_min_length',
  'gzip_comp_level',
  'if',
  'location',
] as const;

/** The rules of a snippet. Throws a SnippetError that names what is not carried out. */
export function readSnippet(text: string): SnippetRules {
  const rules: SnippetRules = {
    setRequest: [],
    addResponse: [],
    setResponse: [],
    removeResponse: [],
    addresses: [],
    answers: [],
  };
  for (const directive of parseSnippet(text)) apply(directive, rules);
  return rules;
}

const gzipDefaults = { types: ['text/html'], minBytes: 20 };

function apply(directive: Directive, rules: SnippetRules): void {
  const { name, args, line } = directive;
  switch (name) {
    case 'add_header':
      rules.addResponse.push(pair(directive, args.at(-1) === 'always' ? args.slice(0, -1) : args));
      return;
    case 'proxy_set_header':
      setRequest(directive, rules);
      return;
    case 'proxy_hide_header':
      rules.removeResponse.push(only(directive).toLowerCase());
      return;
    case 'more_clear_headers':
      rules.removeResponse.push(...args.map(each => each.toLowerCase()));
      return;
    case 'more_set_headers':
      for (const each of args) {
        const [, field = '', value = ''] = /^([^:\s]+)\s*:?\s*([\s\S]*)$/.exec(each) ?? [];
        if (field === '' || field.startsWith('-')) throw refuse(directive, `'${each}' is no "Name: value"`);
        if (value === '') rules.removeResponse.push(field.toLowerCase());
        else rules.setResponse.push(pair(directive, [field, value]));
      }
      return;
    case 'return':
      rules.answers.push(answerOf(directive));
      return;
    case 'rewrite':
      rules.answers.push(redirectOf(directive));
      return;
    case 'allow':
    case 'deny':
      rules.addresses.push(...addressesOf(directive));
      return;
    case 'if':
      rules.answers.push(...guarded(directive, conditionOf(directive)));
      return;
    case 'location':
      rules.answers.push(...guarded(directive, { path: locationOf(directive) }));
      return;
    case 'gzip':
      if (only(directive) === 'on') rules.compress ??= { ...gzipDefaults };
      return;
    case 'gzip_types':
      rules.compress = { ...(rules.compress ?? gzipDefaults), types: ['text/html', ...args] };
      return;
    case 'gzip_min_length': {
      const minBytes = parseSize(only(directive));
      if (minBytes === undefined) throw refuse(directive, `'${args[0]}' is no size`);
      rules.compress = { ...(rules.compress ?? gzipDefaults), minBytes };
      return;
    }
    case 'gzip_comp_level': {
      const level = Number(only(directive));
      if (!(Number.isInteger(level) && level >= 1 && level <= 9))
        throw refuse(directive, 'levels go from 1 to 9');
      rules.compress = { ...(rules.compress ?? gzipDefaults), level };
      return;
    }
    default:
      throw new SnippetError(
        line,
        `the directive ${name} is not carried out; these are: ${SNIPPET_DIRECTIVES.join(', ')}`,
      );
  }
}

/** What WebSockets are written for, and needs nothing here. */
const connectionHeaders: ReadonlySet<string> = new Set(['upgrade', 'connection', 'host']);

function setRequest(directive: Directive, rules: SnippetRules): void {
  const [name = '', value = ''] = directive.args;
  const lower = name.toLowerCase();
  if (connectionHeaders.has(lower) && /^\$|^"?(upgrade|close|)"?$/i.test(value)) return;
  if (lower === 'host')
    throw refuse(directive, 'the Host for the backend is said by the annotation upstream-vhost');
  rules.setRequest.push(pair(directive, directive.args));
}

function pair(directive: Directive, args: readonly string[]): Pair {
  const [name, value] = args;
  if (args.length !== 2 || name === undefined || value === undefined)
    throw refuse(directive, 'a name and a value are wanted');
  return [name, operatorsOf(directive, value)];
}

function operatorsOf(directive: Directive, text: string): string {
  const read = withOperators(text);
  if ('unknown' in read) throw refuse(directive, `the variable ${read.unknown} is not known`);
  return read.value;
}

function only(directive: Directive): string {
  const [first] = directive.args;
  if (directive.args.length !== 1 || first === undefined) throw refuse(directive, 'one argument is wanted');
  return first;
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

function answerOf(directive: Directive, match?: RequestMatch): SnippetAnswer {
  const [code = '', ...rest] = directive.args;
  const text = rest.join(' ');
  if (rest.length === 0 && /^https?:/.test(code)) return located(directive, 302, code, match);
  const status = Number(code);
  if (!/^\d{3}$/.test(code) || status < 200 || status > 599)
    throw refuse(directive, `'${code}' is no status`);
  if (redirects.has(status)) return located(directive, status, text, match);
  if (text.includes('$')) throw refuse(directive, 'variables in the text of an answer are not carried out');
  const action: Respond = { kind: 'respond', status, body: text, contentType: 'text/plain' };
  return { ...(match && { match }), action, headers: [] };
}

function located(directive: Directive, status: number, url: string, match?: RequestMatch): SnippetAnswer {
  if (url === '') throw refuse(directive, 'a redirect wants an URL');
  const action: Respond = { kind: 'respond', status, body: '', contentType: '' };
  return { ...(match && { match }), action, headers: [['location', operatorsOf(directive, url)]] };
}

/** `rewrite REGEX URL redirect|permanent`: the others change what other directives see, and are refused. */
function redirectOf(directive: Directive, match: RequestMatch = {}): SnippetAnswer {
  const [pattern = '', url = '', flag = ''] = directive.args;
  const status = { permanent: 301, redirect: 302 }[flag];
  if (status === undefined && !/^https?:\/\//.test(url))
    throw refuse(
      directive,
      'only rewrites with redirect or permanent are carried out; use the annotation rewrite-target',
    );
  if (match.path !== undefined) throw refuse(directive, 'a rewrite inside a location is not carried out');
  const path: PathMatch = { kind: 'regex', value: unanchored(pattern) };
  if (/\$\d/.test(url)) {
    const [, scheme, authority, target] = /^(https?):\/\/([^/$]+)(\/[^?]*)$/.exec(url) ?? [
      undefined,
      undefined,
      undefined,
      url,
    ];
    if (target === undefined || /\$\D|\?/.test(target))
      throw refuse(directive, `'${url}' is more than host, path and groups`);
    const substitution = target.replaceAll('\\', '\\\\').replace(/\$(\d)/g, '\\$1');
    const action: Redirect = {
      kind: 'redirect',
      status: status ?? 302,
      ...(scheme !== undefined && { scheme, authority: authority! }),
      path: { kind: 'regex', pattern: unanchored(pattern), substitution },
    };
    return { match: { ...match, path }, action, headers: [] };
  }
  return located(directive, status ?? 302, url, { ...match, path });
}

/** A pattern of nginx finds its text anywhere; one of the model is the whole of it. */
function unanchored(pattern: string): string {
  const start = pattern.startsWith('^') ? pattern.slice(1) : `.*?(?:${pattern.replace(/\$$/, '')})`;
  const begun = pattern.startsWith('^') ? `(?:${start.replace(/\$$/, '')})` : start;
  return pattern.endsWith('$') && !pattern.endsWith('\\$') ? begun : `${begun}.*`;
}

function addressesOf(directive: Directive): AddressRules['rules'] {
  const address = only(directive);
  const allow = directive.name === 'allow';
  if (address === 'all') return ['0.0.0.0/0', '::/0'].map(range => ({ range, allow }));
  if (!isCidr(address)) throw refuse(directive, `'${address}' is no address and no range`);
  return [{ range: address, allow }];
}

/** `if ($variable op value)`, of method, fields and cookies. */
function conditionOf(directive: Directive): RequestMatch {
  const text = directive.args.join(' ');
  const [, variable, operator = '', raw = ''] =
    /^\(\s*\$([a-z0-9_]+)\s*(?:(=|!=|~\*|~|!~\*|!~)\s*("[^"]*"|'[^']*'|[^\s)]+))?\s*\)$/i.exec(text) ?? [];
  if (variable === undefined) throw refuse(directive, `the condition ${text} is not carried out`);
  const value = raw.replace(/^(["'])(.*)\1$/, '$2');
  const invert = operator.startsWith('!');
  const pattern = operator.endsWith('~*') || operator.endsWith('~');
  const ignoreCase = operator.endsWith('*');
  const test = pattern
    ? ({ kind: 'regex', value: unanchored(value), ...(ignoreCase && { ignoreCase }) } as const)
    : operator === ''
      ? ({ kind: 'present', value: '' } as const)
      : ({ kind: 'exact', value } as const);
  const name = variable.toLowerCase();
  const match: RequestMatch | undefined =
    name === 'request_method'
      ? { method: test }
      : name === 'host' || name === 'http_host'
        ? { authority: test }
        : name === 'request_uri' || name === 'uri'
          ? pathCondition(directive, operator, value)
          : name.startsWith('http_')
            ? { headers: [{ name: name.slice(5).replaceAll('_', '-'), match: test }] }
            : name.startsWith('arg_')
              ? { query: [{ name: name.slice(4), match: test }] }
              : undefined;
  if (match === undefined) throw refuse(directive, `conditions on $${variable} are not carried out`);
  return invert ? { not: [match] } : match;
}

function pathCondition(directive: Directive, operator: string, value: string): RequestMatch {
  const bare = operator.replace('!', '');
  if (bare === '=') return { path: { kind: 'exact', value } };
  if (bare === '~' || bare === '~*')
    return { path: { kind: 'regex', value: unanchored(value), ...(bare === '~*' && { ignoreCase: true }) } };
  throw refuse(directive, 'a path is compared with =, ~ or ~*');
}

function locationOf(directive: Directive): PathMatch {
  const { args } = directive;
  const [first = '', second] = args;
  if (args.length === 1) return { kind: 'prefix', value: first };
  if (args.length === 2 && second !== undefined)
    switch (first) {
      case '=':
        return { kind: 'exact', value: second };
      case '^~':
        return { kind: 'prefix', value: second };
      case '~':
      case '~*':
        return { kind: 'regex', value: unanchored(second), ...(first === '~*' && { ignoreCase: true }) };
    }
  throw refuse(directive, 'a location is written as location [=|~|~*|^~] PATH');
}

/** Blocks answer: with return, with a redirect, or with deny all. */
function guarded(directive: Directive, match: RequestMatch): SnippetAnswer[] {
  return (directive.block ?? []).map(each => {
    if (each.name === 'return') return answerOf(each, match);
    if (each.name === 'rewrite') return redirectOf(each, match);
    if (each.name === 'deny' && only(each) === 'all')
      return { match, action: { kind: 'respond', status: 403, body: '', contentType: '' }, headers: [] };
    throw refuse(each, `inside ${directive.name} only return, rewrite and deny all are carried out`);
  });
}

function refuse({ name, line }: Directive, why: string): SnippetError {
  return new SnippetError(line, `${name}: ${why}`);
}
