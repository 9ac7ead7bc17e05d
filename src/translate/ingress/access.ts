import type { AddressRules, AuthRequest, BasicAuth, EdgePolicy } from '../../model/index.ts';
import { given } from '../given.ts';
import { headerNameProblem } from '../header-name.ts';
import type { Annotations } from './annotations.ts';
import type { SettingsContext } from './settings.ts';
import { parseTimeMs } from './values.ts';

type Access = Pick<EdgePolicy, 'addresses' | 'basicAuth' | 'authRequest' | 'satisfy'>;

/** Who gets through. `own`: allow and deny of a snippet, which go before. */
export function readAccess(
  annotations: Annotations,
  own: AddressRules['rules'],
  context: SettingsContext,
): Access {
  const { defaults } = context;
  const allow =
    annotations.cidrs('allowlist-source-range') ??
    annotations.cidrs('whitelist-source-range') ??
    defaults.allowRanges;
  const deny = annotations.cidrs('denylist-source-range') ?? defaults.denyRanges;
  const rules = [
    ...own,
    ...deny.map(range => ({ range, allow: false })),
    ...allow.map(range => ({ range, allow: true })),
  ];
  const globally = annotations.flag('enable-global-auth') ?? true;
  const satisfy = annotations.choice('satisfy', ['all', 'any']);
  return given({
    addresses: rules.length === 0 ? undefined : { rules, otherwise: allow.length === 0 },
    basicAuth: basicOf(annotations, context),
    authRequest: requestOf(annotations) ?? (globally ? defaults.globalAuth : undefined),
    satisfy: satisfy === 'any' ? satisfy : undefined,
  });
}

function basicOf(annotations: Annotations, { namespace }: SettingsContext): BasicAuth | undefined {
  const type = annotations.text('auth-type');
  const secret = annotations.text('auth-secret');
  const form = annotations.choice('auth-secret-type', ['auth-file', 'auth-map']);
  const realm = annotations.text('auth-realm') ?? '';
  if (type === undefined) return undefined;
  if (type !== 'basic')
    return annotations.wrong(
      'auth-type',
      `'${type}' cannot be carried out: MD5 of passwords is no protection; write basic, and let clients come by https`,
    );
  if (secret === undefined)
    return annotations.wrong('auth-type', 'wants auth-secret, the Secret with the users');
  const [first = '', second] = secret.split('/');
  // Others' Secrets are for others: ingress-nginx asks for a setting of its own for them, which is off.
  if (second !== undefined && first !== namespace)
    return annotations.wrong('auth-secret', `'${secret}' is of another namespace; copy it to ${namespace}`);
  const name = second ?? first;
  return {
    realm,
    users: {},
    credential: { secret: { kind: 'Secret', namespace, name }, ...(form === 'auth-map' && { form: 'map' }) },
  };
}

/** auth-url and what belongs to it. */
export function requestOf(annotations: Annotations): AuthRequest | undefined {
  const url = annotations.text('auth-url');
  const method = annotations.text('auth-method');
  const cacheKey = annotations.text('auth-cache-key');
  const ttlMs = durationsOf(annotations);
  const signIn = annotations.text('auth-signin');
  const signInParameter = annotations.text('auth-signin-redirect-param');
  const responseHeaders = annotations.list('auth-response-headers').map(each => each.toLowerCase());
  const requestRedirect = annotations.text('auth-request-redirect');
  const alwaysSetCookie = annotations.flag('auth-always-set-cookie');
  if (url === undefined) return undefined;
  if (!/^https?:\/\/[^/$\s]+(\/\S*)?$/.test(url))
    return annotations.wrong('auth-url', `'${url}' is no URL whose host is known`);
  if (method !== undefined && !/^[A-Z]+$/.test(method))
    return annotations.wrong('auth-method', `'${method}' is no method`);
  for (const each of responseHeaders) {
    const why = each === 'host' ? 'says to whom the request goes' : headerNameProblem(each);
    if (why !== undefined) return annotations.wrong('auth-response-headers', `'${each}' ${why}`);
  }
  return {
    url,
    ...(responseHeaders.length > 0 && { responseHeaders }),
    ...(cacheKey !== undefined && { cache: { key: cacheKey, ttlMs } }),
    ...given({ method, signIn, signInParameter, requestRedirect, alwaysSetCookie }),
  };
}

/** `200 202 401 5m, 404 1m`: how long which answers are remembered. */
function durationsOf(annotations: Annotations): Readonly<Record<string, number>> {
  const ttlMs: Record<string, number> = {};
  for (const each of (annotations.text('auth-cache-duration') ?? '200 202 401 5m').split(',')) {
    const words = each.trim().split(/\s+/);
    const ms = parseTimeMs(words.at(-1) ?? '');
    const statuses = words.slice(0, -1);
    if (ms === undefined || !statuses.every(status => /^\d{3}$|^any$/.test(status)))
      annotations.wrong(
        'auth-cache-duration',
        `'${each.trim()}' is no list of statuses with a time behind it, such as 200 202 5m`,
      );
    else for (const status of statuses.length === 0 ? ['200', '301', '302'] : statuses) ttlMs[status] = ms;
  }
  return ttlMs;
}
