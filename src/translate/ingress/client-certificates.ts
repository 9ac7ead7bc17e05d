import { type ClientCertificates, regexProblem } from '../../model/index.ts';
import { given } from '../given.ts';
import type { Annotations } from './annotations.ts';
import type { SettingsContext } from './settings.ts';

const demands = { on: 'required', optional: 'optional', optional_no_ca: 'any' } as const;

/** auth-tls-*: certificates of the host's clients; undefined where they are not asked for any. */
export function readClientCertificates(
  annotations: Annotations,
  { namespace }: SettingsContext,
): { readonly rule: ClientCertificates; readonly secret: string } | undefined {
  const named = annotations.text('auth-tls-secret');
  const verify =
    annotations.choice('auth-tls-verify-client', ['on', 'off', 'optional', 'optional_no_ca']) ?? 'on';
  const maxDepth = annotations.count('auth-tls-verify-depth') ?? 1;
  const forward = annotations.flag('auth-tls-pass-certificate-to-upstream') ?? false;
  const subject = annotations.text('auth-tls-match-cn');
  const refusedTo = annotations.text('auth-tls-error-page');
  if (named === undefined) {
    for (const each of ['auth-tls-verify-client', 'auth-tls-match-cn', 'auth-tls-error-page'])
      if (annotations.has(each) && verify !== 'off')
        annotations.wrong(each, 'wants auth-tls-secret, the Secret with the authorities (ca.crt)');
    return undefined;
  }
  const [first = '', second] = named.split('/');
  if (second !== undefined && first !== namespace)
    return annotations.wrong(
      'auth-tls-secret',
      `'${named}' is of another namespace; copy it to ${namespace}`,
    );
  if (refusedTo !== undefined && !/^https?:\/\/\S+$/.test(refusedTo))
    return annotations.wrong('auth-tls-error-page', `'${refusedTo}' is no URL`);
  const problem = subject === undefined ? undefined : regexProblem(subject);
  if (problem !== undefined) return annotations.wrong('auth-tls-match-cn', `'${subject}' ${problem}`);
  if (verify === 'off') return undefined;
  return {
    rule: { demand: demands[verify], maxDepth, forward, ...given({ subject, refusedTo }) },
    secret: second ?? first,
  };
}
