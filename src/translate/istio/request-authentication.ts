import {
  forbiddenHost,
  type JwtRule,
  type ObjectRef,
  type RequestAuthenticationPolicy,
} from '../../model/index.ts';
import { isRecord } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import { type PolicyTarget, readTarget } from './policy-target.ts';

/** security.istio.io RequestAuthentication, v1beta1 and v1: which tokens workloads take. */
export const requestAuthenticationTranslator: KindTranslator = {
  kind: 'RequestAuthentication.security.istio.io',
  translate: translateRequestAuthentication,
  closed: closedRequestAuthentication,
};

/** As Istio validates them. */
const maxUriLength = 2048;
const maxDelimitedClaims = 64;
/** A set of keys has some kilobytes; it is sent to every proxy that the object is for. */
const maxJwksLength = 256 * 1024;
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What every server reads, so that a claim in its place would be taken for something else. */
const reservedHeaders = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'te',
  'upgrade',
]);

function translateRequestAuthentication(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const { nowhere, ...target } = readTarget(spec, isRoot(namespace, context), report);
  const rules = spec.objects('jwtRules').map(each => readRule(each, report));
  spec.rest();
  if (nowhere) return [];
  if (rules.length === 0 && !report.refused)
    report.warn('policy-ignored', 'spec.jwtRules', 'spec.jwtRules is empty, so that no token is looked at');
  const policy: RequestAuthenticationPolicy = {
    ...scopeOf(namespace, context),
    ...target,
    rules,
    from: report.object,
  };
  return [{ kind: 'policy', of: 'requestAuthentications', policy, createdAt }];
}

/**
 * In place of an object that cannot be read and of which nothing held before: no token is taken that it speaks of. Each of its
 * rules has no keys, so that the tokens of its issuer are refused where it looks for them, and what it would have told the app
 * nobody else can; where there is no rule to be seen every token is refused that stands where tokens usually do.
 */
function closedRequestAuthentication(
  object: KubeObject,
  context: TranslateContext,
  from: ObjectRef,
): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const unheard = new Report(from);
  const spec = fieldsOf(object, 'spec', unheard);
  const read = readTarget(spec, isRoot(namespace, context), unheard);
  // Where it cannot be told whom it selects, it is everybody.
  const { nowhere, ...target }: PolicyTarget = unheard.refused ? {} : read;
  if (nowhere) return [];
  const rules = spec.objects('jwtRules').map(each => closedRule(each, unheard));
  const policy: RequestAuthenticationPolicy = {
    ...scopeOf(namespace, context),
    ...target,
    rules: rules.length > 0 ? rules : [{ issuer: '', jwks: '' }],
    from,
  };
  return [{ kind: 'policy', of: 'requestAuthentications', policy, createdAt }];
}

/** What can be read of it, without keys. */
function closedRule(rule: Fields, unheard: Report): JwtRule {
  const { jwksUri: _, discoveryUri: __, ...read } = readRule(rule, unheard);
  return { ...read, jwks: '' };
}

/** One of a root namespace is for the whole mesh, with a selector for the workloads of all namespaces that have its labels. */
function scopeOf(namespace: string, context: TranslateContext): { readonly namespace?: string } {
  return isRoot(namespace, context) ? {} : { namespace };
}

function isRoot(namespace: string, { rootNamespaces }: TranslateContext): boolean {
  return rootNamespaces.includes(namespace);
}

/** Its issuer is '' where it cannot be read. */
function readRule(rule: Fields, report: Report): JwtRule {
  const issuer = rule.text('issuer');
  if (!issuer) {
    const path = rule.at('issuer');
    report.error('field-invalid', path, `${path} is missing; write the iss of the tokens that are meant`);
  }
  const read: JwtRule = {
    issuer: issuer ?? '',
    ...given({
      audiences: some(rule.texts('audiences')),
      ...readKeys(rule, issuer ?? '', report),
      fromHeaders: some(readFromHeaders(rule, report)),
      fromParams: some(rule.texts('fromParams')),
      fromCookies: some(rule.texts('fromCookies')),
      forwardOriginalToken: rule.flag('forwardOriginalToken'),
      outputPayloadToHeader: readOutput(rule, 'outputPayloadToHeader', report),
      outputClaimToHeaders: some(readClaims(rule, report)),
      timeoutMs: rule.duration('timeout', 1),
      spaceDelimitedClaims: some(readDelimited(rule, report)),
    }),
  };
  // Without a field that is misspelt a rule would take more than was meant.
  rule.refuseRest();
  return read;
}

/** Keys that cannot be had make the rule refuse its tokens: it stays, so that none passes unread. */
function readKeys(
  rule: Fields,
  issuer: string,
  report: Report,
): Partial<Pick<JwtRule, 'jwks' | 'jwksUri' | 'discoveryUri'>> {
  // Istio read this name, too, until v1.
  const uriName = rule.has('jwksUri') ? 'jwksUri' : 'jwks_uri';
  const jwksUri = rule.text(uriName) || undefined;
  const jwks = rule.text('jwks') || undefined;
  const fail = (name: string, words: string): void =>
    report.fail(
      'jwks-invalid',
      rule.at(name),
      `${rule.at(name)}: ${words}; until then tokens of ${issuer} are refused`,
    );
  if (jwks !== undefined && jwksUri !== undefined) {
    report.warn(
      'field-not-supported',
      rule.at(uriName),
      `${rule.at(uriName)}: jwks is there, too, and counts`,
    );
  }
  if (jwks !== undefined) {
    const fault = jwksFault(jwks);
    if (fault !== undefined) fail('jwks', fault);
    return { jwks: fault === undefined ? jwks : '' };
  }
  const discoveryUri = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const [name, uri] = jwksUri === undefined ? ['issuer', discoveryUri] : [uriName, jwksUri];
  const fault = uriFault(uri);
  if (fault === undefined) return jwksUri === undefined ? { discoveryUri } : { jwksUri };
  fail(name, jwksUri === undefined ? `there is neither jwks nor jwksUri, and the issuer ${fault}` : fault);
  return { jwks: '' };
}

function uriFault(text: string): string | undefined {
  if (text.length > maxUriLength)
    return `has ${text.length} characters, of which ${maxUriLength} are the limit`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    return 'is no address of http or https; write jwksUri: https://…';
  const what = forbiddenHost(url.hostname);
  return what === undefined ? undefined : `leads to ${what}, where no keys are fetched`;
}

function jwksFault(text: string): string | undefined {
  if (text.length > maxJwksLength)
    return `has ${text.length} bytes, of which ${maxJwksLength} are the limit; write jwksUri`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'is no JSON';
  }
  const keys = isRecord(value) ? value.keys : undefined;
  if (!Array.isArray(keys)) return 'is no JSON Web Key Set: it has no list keys';
  return keys.some(isRecord) ? undefined : 'has no keys';
}

function readFromHeaders(rule: Fields, report: Report): NonNullable<JwtRule['fromHeaders']> {
  return rule.objects('fromHeaders').flatMap(each => {
    const name = readName(each, 'name', report);
    const prefix = each.text('prefix') ?? '';
    each.rest();
    if (name === undefined && !each.has('name'))
      report.error('field-invalid', each.at('name'), `${each.at('name')} is missing`);
    return name === undefined ? [] : [{ name, prefix }];
  });
}

function readClaims(rule: Fields, report: Report): NonNullable<JwtRule['outputClaimToHeaders']> {
  return rule.objects('outputClaimToHeaders').flatMap(each => {
    const header = readOutput(each, 'header', report);
    const claim = each.text('claim');
    each.rest();
    for (const name of ['header', 'claim'])
      if (!each.has(name)) report.error('field-invalid', each.at(name), `${each.at(name)} is missing`);
    return header === undefined || !claim ? [] : [{ header, claim }];
  });
}

function readOutput(fields: Fields, name: string, report: Report): string | undefined {
  const header = readName(fields, name, report);
  if (header === undefined || !reservedHeaders.has(header)) return header;
  report.error(
    'field-invalid',
    fields.at(name),
    `${fields.at(name)}: '${header}' is not for claims; name another header`,
  );
  return undefined;
}

/** In lower case; undefined where it is absent or none. */
function readName(fields: Fields, name: string, report: Report): string | undefined {
  const text = fields.text(name);
  if (!text || headerName.test(text)) return text?.toLowerCase() || undefined;
  report.error('field-invalid', fields.at(name), `${fields.at(name)} must be the name of a header`);
  return undefined;
}

function readDelimited(rule: Fields, report: Report): readonly string[] {
  const names = rule.texts('spaceDelimitedClaims');
  if (names.length <= maxDelimitedClaims) return names;
  const path = rule.at('spaceDelimitedClaims');
  report.error(
    'field-invalid',
    path,
    `${path} has ${names.length} names, of which ${maxDelimitedClaims} are the limit`,
  );
  return [];
}
