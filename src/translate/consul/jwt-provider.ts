import { forbiddenHost, type JwtRule } from '../../model/index.ts';
import { isRecord } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';

/** Consul's jwt-provider entries: whose tokens ServiceIntentions may ask for. */
export const jwtProviderTranslator: KindTranslator = {
  kind: 'JWTProvider.consul.hashicorp.com',
  translate: translateJwtProvider,
};

/** As Consul has it where nothing is said. */
const defaultSkewSeconds = 30;

function translateJwtProvider(object: KubeObject, _: TranslateContext, report: Report): readonly Part[] {
  const { name, creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const issuer = spec.text('issuer') ?? '';
  const keys = readKeys(spec, report);
  const locations = readLocations(spec, report);
  const forwarding = spec.object('forwarding');
  const header = forwarding?.text('headerName')?.toLowerCase();
  const isPadded = forwarding?.flag('padForwardPayloadHeader');
  forwarding?.refuseRest();
  const rule: JwtRule = {
    issuer,
    ...given({ audiences: some(spec.texts('audiences')) }),
    ...keys,
    ...locations,
    ...given({ outputPayloadToHeader: header || undefined }),
    ...(isPadded && { padsPayload: true }),
    clockSkewSeconds: spec.number('clockSkewSeconds', { max: 86_400 }) || defaultSkewSeconds,
    // Who needs no token of his may bring others: whether one is needed is for intentions to say.
    isOptional: true,
    provider: name,
    from: report.object,
  };
  spec.unsupported('cacheConfig', 'tokens that were verified are known for as long as they are good anyway');
  spec.refuseRest();
  if (issuer === '') {
    const path = spec.at('issuer');
    report.error('field-invalid', path, `${path} is missing; write the iss of the tokens that are meant`);
  }
  if (report.refused) return [];
  return [{ kind: 'policy', of: 'jwtProviders', policy: { name, rule, from: report.object }, createdAt }];
}

/** Keys that cannot be had make tokens be refused, and with them whoever needs one. */
function readKeys(spec: Fields, report: Report): Pick<JwtRule, 'jwks' | 'jwksUri' | 'timeoutMs'> {
  const set = spec.object('jsonWebKeySet');
  const local = set?.object('local');
  const remote = set?.object('remote');
  set?.refuseRest();
  const wrong = (path: string, words: string): void =>
    report.error('field-invalid', path, `${path}: ${words}`);
  if ((local === undefined) === (remote === undefined)) {
    wrong(set?.path ?? spec.at('jsonWebKeySet'), 'either local or remote is needed, and not both');
    return {};
  }
  if (remote !== undefined) {
    const jwksUri = remote.text('uri') ?? '';
    const timeoutMs = remote.number('requestTimeoutMs', { max: 3_600_000 });
    remote.unsupported(
      'cacheDuration',
      'keys are fetched anew every 20 minutes, or as max-age of their answer says',
    );
    remote.unsupported('fetchAsynchronously', 'keys are fetched before any token comes');
    remote.unsupported('useSNI', 'the server name is always sent');
    remote.unsupported('retryPolicy', 'it is tried again after 1 s, 2 s, 4 s, up to a minute');
    remote.unsupported('jwksCluster', 'the system’s authorities are trusted');
    remote.refuseRest();
    const fault = uriFault(jwksUri);
    if (fault !== undefined) wrong(remote.at('uri'), fault);
    return { jwksUri, ...given({ timeoutMs: timeoutMs || undefined }) };
  }
  const text = local!.text('jwks') ?? '';
  if (local!.has('filename')) {
    local!.text('filename');
    wrong(local!.at('filename'), 'proxies read no files of yours; write the keys in jwks');
  }
  local!.refuseRest();
  const jwks = keySetOf(text);
  if (jwks === undefined)
    wrong(local!.at('jwks'), 'is no JSON Web Key Set with keys, as JSON or as base64 of it');
  return { jwks: jwks ?? '' };
}

function uriFault(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    return `'${text}' is no address of http or https`;
  const what = forbiddenHost(url.hostname);
  return what === undefined ? undefined : `leads to ${what}, where no keys are fetched`;
}

/** As it stands or, as Consul has it, as base64. */
function keySetOf(text: string): string | undefined {
  for (const candidate of [text, Buffer.from(text, 'base64').toString('utf8')]) {
    try {
      const value: unknown = JSON.parse(candidate);
      if (isRecord(value) && Array.isArray(value.keys) && value.keys.some(isRecord)) return candidate;
    } catch {
      // The other, then.
    }
  }
  return undefined;
}

type Locations = Pick<JwtRule, 'fromHeaders' | 'fromParams' | 'fromCookies' | 'forwardOriginalToken'>;

function readLocations(spec: Fields, report: Report): Locations {
  const fromHeaders: { readonly name: string; readonly prefix: string }[] = [];
  const fromParams: string[] = [];
  const fromCookies: string[] = [];
  let forwards = false;
  for (const location of spec.objects('locations')) {
    const [header, param, cookie] = ['header', 'queryParam', 'cookie'].map(each => location.object(each));
    location.refuseRest();
    const named = [header, param, cookie].filter(each => each !== undefined);
    const name = named[0]?.text('name') ?? '';
    if (named.length !== 1 || name === '') {
      const words = 'one of header, queryParam and cookie is needed, with a name';
      report.error('field-invalid', location.path, `${location.path}: ${words}`);
      continue;
    }
    if (header !== undefined) {
      fromHeaders.push({ name: name.toLowerCase(), prefix: header.text('valuePrefix') ?? '' });
      if (header.flag('forward') === true) forwards = true;
    } else (param === undefined ? fromCookies : fromParams).push(name);
    named[0]!.refuseRest();
  }
  return given({
    fromHeaders: some(fromHeaders),
    fromParams: some(fromParams),
    fromCookies: some(fromCookies),
    forwardOriginalToken: forwards || undefined,
  });
}
