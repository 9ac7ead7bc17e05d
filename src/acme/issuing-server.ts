import { createHash } from 'node:crypto';
import { errorMessage, WeftError } from '../errors/index.ts';
import type { CertificateIssuer } from '../model/index.ts';
import { Backoff, type Clock } from '../time/index.ts';
import { type AcmeAccount, openAccount } from './account.ts';
import { AccountKey } from './account-key.ts';
import { AcmeConnection } from './connection.ts';
import { AcmeFailure } from './failure.ts';
import type { SecretStore } from './secret-store.interface.ts';

/** Under which an account's Secret has its key. No name that gateways look for: nobody shows it to clients. */
const accountKey = 'account.key';
const accountType = 'weft.dev/acme-account';

/** Of which two issuers share an account. */
export function serverId({
  namespace,
  server,
  emails,
  externalAccount,
  authorities,
}: CertificateIssuer): string {
  return JSON.stringify([namespace, server, emails, externalAccount, authorities]);
}

/** An ACME server with our account there, which is opened when it is needed, and left alone while it is in trouble. */
export class IssuingServer {
  readonly connection: AcmeConnection;
  readonly #issuer: CertificateIssuer;
  readonly #store: SecretStore;
  readonly #clock: Clock;
  readonly #trouble = new Backoff({ firstMs: 30_000, longestMs: 3_600_000 });
  #account: AcmeAccount | undefined;
  #opening: Promise<AcmeAccount | WeftError> | undefined;
  #heldUntilMs = 0;

  constructor(issuer: CertificateIssuer, store: SecretStore, clock: Clock) {
    this.#issuer = issuer;
    this.#store = store;
    this.#clock = clock;
    this.connection = new AcmeConnection(issuer.server, issuer.authorities, () => clock.now());
  }

  /** Nobody calls it before. */
  get heldUntilMs(): number {
    return this.#heldUntilMs;
  }

  /** It is in trouble, or we are: nobody calls it for a while. What several hear of it at once is one trouble. */
  hold(retryAfterMs = 0): void {
    const nowMs = this.#clock.now();
    const ownMs = this.#heldUntilMs > nowMs ? this.#heldUntilMs - nowMs : this.#trouble.next();
    this.#heldUntilMs = nowMs + Math.max(retryAfterMs, ownMs);
  }

  worked(): void {
    this.#trouble.reset();
  }

  /** The server does not know it any more. */
  forgetAccount(): void {
    this.#account = undefined;
  }

  async account(): Promise<AcmeAccount | WeftError> {
    if (this.#account !== undefined) return this.#account;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    const opened = await this.#opening;
    if (!(opened instanceof WeftError)) this.#account = opened;
    return opened;
  }

  async #open(): Promise<AcmeAccount | WeftError> {
    const key = await this.#key();
    if (key instanceof WeftError) return key;
    const external = await this.#external();
    if (external instanceof WeftError) return external;
    const { emails } = this.#issuer;
    return openAccount(this.connection, key, { emails, ...(external && { external }) });
  }

  /** That of the Secret; of several that make one at the same time the first one's is everybody's. */
  async #key(): Promise<AccountKey | WeftError> {
    const { namespace, server, externalAccount } = this.#issuer;
    const id = createHash('sha256')
      .update(`${server} ${externalAccount?.keyId ?? ''}`)
      .digest('hex')
      .slice(0, 12);
    const name = `weft-acme-account-${id}`;
    for (let tries = 0; ; tries++) {
      const found = await this.#store.read(namespace, name);
      if (found instanceof WeftError) return found;
      if (found !== undefined) {
        try {
          return new AccountKey(found.data[accountKey] ?? '');
        } catch (thrown) {
          const why = `Secret ${namespace}/${name} holds no account key (${errorMessage(thrown)}); delete it, and a new account is made`;
          return new AcmeFailure('acme-refused', why, { concernsAll: true });
        }
      }
      const data = { [accountKey]: AccountKey.createPem() };
      const secret = { type: accountType, labels: {}, annotations: { 'weft.dev/acme-server': server }, data };
      const wrong = await this.#store.write(namespace, name, secret, undefined);
      if (wrong !== undefined && (tries > 3 || wrong.code === 'api-forbidden')) return wrong;
    }
  }

  async #external(): Promise<{ readonly keyId: string; readonly hmacKey: string } | WeftError | undefined> {
    const { externalAccount, namespace } = this.#issuer;
    if (externalAccount === undefined) return undefined;
    const { keyId, secret } = externalAccount;
    const hmacKey = await secretText(this.#store, namespace, secret, 'hmac-key');
    return hmacKey instanceof WeftError ? hmacKey : { keyId, hmacKey };
  }
}

/** What a Secret has under a key. */
export async function secretText(
  store: SecretStore,
  namespace: string,
  name: string,
  key: string,
): Promise<string | WeftError> {
  const found = await store.read(namespace, name);
  if (found instanceof WeftError) return found;
  const text = found?.data[key]?.trim() ?? '';
  if (text !== '') return text;
  const what = found === undefined ? 'does not exist' : `has no ${key}`;
  return new AcmeFailure('acme-refused', `Secret ${namespace}/${name} ${what}`, { concernsAll: true });
}
