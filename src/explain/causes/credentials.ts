// Why a request was refused for its token or by an external authorizer: from the words of proxy/filters/tokens.ts and
// external-authorization.ts.
import type { ObjectRef, Peer } from '../../model/index.ts';
import { type Cause, withObject } from '../cause.ts';
import type { Tools } from '../tools.ts';

const token = /^jwt_authn_access_denied\[([a-z-]+)\][^:]*: (.*)$/s;
const authorizer = /^ext_authz_(denied|error): (.*)$/s;

export function isTokenRefusal(detail: string): boolean {
  return token.test(detail);
}

export function isAuthorizerRefusal(detail: string): boolean {
  return authorizer.test(detail);
}

/** By the reason that the filter gives; for any other the token itself is what is wrong. */
const tokenRemedies: Readonly<Record<string, string>> = {
  expired:
    'have the client get a new token; where it is new, compare the clocks of its issuer and of this node',
  'not-yet-valid': 'compare the clocks of the issuer and of this node',
  issuer: 'name the issuer in a rule of jwtRules, letter by letter as the token has it',
  audience: 'have the client ask for a token of this audience, or add the one that it has to audiences',
  'no-keys':
    'see that the address of the keys answers from this pod (its NetworkPolicy, jwksUri), or write the keys into jwks',
  'unknown-key':
    'see that jwksUri has the keys of this issuer, and that the token is signed with one of them',
  signature: 'the token was changed, or signed by somebody else; have the client get one from the issuer',
};

/** `self`: whose proxy refused. */
export function tokenCause(
  detail: string,
  from: ObjectRef | undefined,
  self: Peer,
  tools: Tools,
): Omit<Cause, 'code'> {
  const [, fault = '', words = detail] = token.exec(detail) ?? [];
  const commands = fault === 'no-keys' ? [tools.proxyLog(self.namespace, self.pod)] : [];
  return {
    words: `its token was refused: ${words}`,
    ...withObject(from),
    remedy: tokenRemedies[fault] ?? 'have the client send a token of its issuer as it got it',
    commands: [...commands, ...(from === undefined ? [] : [tools.show(from)])],
  };
}

export function authorizerCause(
  detail: string,
  from: ObjectRef | undefined,
  self: Peer,
  tools: Tools,
): Omit<Cause, 'code'> {
  const [, kind = '', words = detail] = authorizer.exec(detail) ?? [];
  const isDenied = kind === 'denied';
  return {
    words: isDenied ? `an external authorizer denied it: ${words}` : words,
    ...withObject(from),
    remedy: isDenied
      ? 'ask the log of the authorizer why; it alone knows'
      : 'mend the authorizer, its entry in extensionProviders, or its timeout; failOpen lets requests pass meanwhile',
    commands: [
      ...(from === undefined ? [] : [tools.show(from)]),
      ...(isDenied ? [] : [tools.proxyLog(self.namespace, self.pod)]),
    ],
  };
}
