import { type AccountKey, externalAccountBinding } from './account-key.ts';
import type { AcmeConnection } from './connection.ts';
import { AcmeFailure } from './failure.ts';

/** Who an account is for. */
export interface AccountSettings {
  /** Addresses that the server may write to: `ops@example.com`. */
  readonly emails: readonly string[];
  /** An account elsewhere that this one belongs to. `hmacKey`: base64url. */
  readonly external?: { readonly keyId: string; readonly hmacKey: string };
}

/** An account that the server knows. */
export interface AcmeAccount {
  readonly key: AccountKey;
  /** What its messages are signed as. */
  readonly url: string;
}

/** The account of the key: a new one, or that which it has (RFC 8555 section 7.3.1). The terms of service are agreed to. */
export async function openAccount(
  connection: AcmeConnection,
  key: AccountKey,
  { emails, external }: AccountSettings,
): Promise<AcmeAccount | AcmeFailure> {
  const directory = await connection.directory();
  if (directory instanceof AcmeFailure) return directory;
  if (directory.externalAccountRequired && external === undefined)
    return new AcmeFailure(
      'acme-refused',
      'the ACME server takes accounts only with an external account; name its key in externalAccount',
      { concernsAll: true, type: 'externalAccountRequired' },
    );
  const { newAccount } = directory;
  const answer = await connection.post(
    newAccount,
    key,
    { jwk: key.jwk },
    {
      termsOfServiceAgreed: true,
      ...(emails.length > 0 && { contact: emails.map(each => `mailto:${each}`) }),
      ...(external && {
        externalAccountBinding: externalAccountBinding(key.jwk, newAccount, external.keyId, external.hmacKey),
      }),
    },
  );
  if (answer instanceof AcmeFailure)
    return new AcmeFailure(answer.code, `there is no account: ${answer.message}`, {
      ...(answer.retryAfterMs !== undefined && { retryAfterMs: answer.retryAfterMs }),
      ...{ type: answer.type, concernsAll: true },
    });
  if (answer.location === '')
    return new AcmeFailure(
      'acme-refused',
      'there is no account: the ACME server does not say where it is; the server is broken',
      { concernsAll: true },
    );
  return { key, url: answer.location };
}
