import { WeftError } from '../errors/index.ts';
import { recordOf } from '../plain/index.ts';
import type { Clock } from '../time/index.ts';
import type { JsonAnswer, JsonCall } from './json-client.ts';
import type { RemoteIssuer, RemoteSignRequest } from './remote-authority.ts';

/** How to log in to Vault. Files are read anew each time. */
export type VaultAuth =
  | { readonly kind: 'token'; readonly token: () => Promise<string> }
  /** https://developer.hashicorp.com/vault/api-docs/auth/kubernetes#login */
  | {
      readonly kind: 'kubernetes';
      readonly mount: string;
      readonly role: string;
      readonly token: () => Promise<string>;
    };

/** A role of Vault's PKI. */
export interface VaultOptions {
  /** For messages: where it is. */
  readonly address: string;
  /** Where the PKI is mounted: `pki`. */
  readonly mount: string;
  readonly role: string;
  readonly auth: VaultAuth;
  readonly call: (call: JsonCall, signal: AbortSignal) => Promise<JsonAnswer>;
  readonly clock: Clock;
}

interface Login {
  readonly token: string;
  /** Monotonic; from when on it is to be renewed. */
  readonly untilMs: number;
}

/** At most so many issuers of a mount are looked at. */
const maxIssuers = 100;

/**
 * Vault's PKI by its HTTP API (https://developer.hashicorp.com/vault/api-docs/secret/pki): `sign/ROLE` with the names that were
 * proven, never those of the request. Every issuer of the mount is trusted, so that a new one may become the default without a
 * pause.
 */
export class VaultIssuer implements RemoteIssuer {
  readonly signsNamesOfRequest = false;
  readonly name: string;
  readonly #options: VaultOptions;
  #login: Login | undefined;

  constructor(options: VaultOptions) {
    this.#options = options;
    this.name = `Vault at ${options.address}, ${options.mount}/sign/${options.role}`;
  }

  async roots(signal: AbortSignal): Promise<readonly string[] | WeftError> {
    const { mount } = this.#options;
    const list = await this.#ask('GET', `${mount}/issuers?list=true`, undefined, signal);
    if (list instanceof WeftError) return list;
    const keys = textsOf(recordOf(list).keys).slice(0, maxIssuers);
    const roots = new Set<string>();
    for (const key of keys) {
      const issuer = await this.#ask('GET', `${mount}/issuer/${key}/json`, undefined, signal);
      if (issuer instanceof WeftError) return issuer;
      const { ca_chain: chain, certificate } = recordOf(issuer);
      const top = textsOf(chain).at(-1) ?? (typeof certificate === 'string' ? certificate : undefined);
      if (top !== undefined) roots.add(`${top.trim()}\n`);
    }
    if (roots.size > 0) return [...roots];
    return refuse(
      'issuer-roots',
      `the mount ${mount} has no issuer; make one with vault write ${mount}/root/generate/internal`,
    );
  }

  async sign(
    { csrPem, uri, dnsNames, lifetimeMs }: RemoteSignRequest,
    signal: AbortSignal,
  ): Promise<string | WeftError> {
    const { mount, role } = this.#options;
    const body = {
      ...{ csr: csrPem, format: 'pem', ttl: `${Math.ceil(lifetimeMs / 1000)}s` },
      ...{ uri_sans: uri, alt_names: dnsNames.join(','), exclude_cn_from_sans: true },
    };
    const data = await this.#ask('POST', `${mount}/sign/${role}`, body, signal);
    if (data instanceof WeftError) return data;
    const { certificate, ca_chain: chain, issuing_ca: issuing } = recordOf(data);
    if (typeof certificate !== 'string') return refuse('issuer-answer', 'its answer has no certificate');
    const above = textsOf(chain);
    const rest = above.length > 0 ? above : typeof issuing === 'string' ? [issuing] : [];
    return [certificate, ...rest].map(each => `${each.trim()}\n`).join('');
  }

  /** One call with a token; logs in again once when the token is not good any more. The `data` of the answer. */
  async #ask(
    method: JsonCall['method'],
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<unknown | WeftError> {
    for (let attempt = 0; ; attempt++) {
      const token = await this.#token(signal);
      if (token instanceof WeftError) return token;
      const headers = { 'x-vault-token': token, 'x-vault-request': 'true' };
      const answer = await this.#options.call({ method, path: `/v1/${path}`, body, headers }, signal);
      if (answer.status === 200) return recordOf(answer.body).data;
      if (answer.status === 403 && attempt === 0) {
        this.#login = undefined;
        continue;
      }
      return refusal(`${method} ${path}`, answer);
    }
  }

  async #token(signal: AbortSignal): Promise<string | WeftError> {
    const { auth, call, clock } = this.#options;
    if (auth.kind === 'token') return (await auth.token()).trim();
    if (this.#login && clock.monotonic() < this.#login.untilMs) return this.#login.token;
    const body = { role: auth.role, jwt: (await auth.token()).trim() };
    const path = `auth/${auth.mount}/login`;
    const answer = await call({ method: 'POST', path: `/v1/${path}`, body, headers: {} }, signal);
    if (answer.status !== 200) return refusal(`POST ${path}`, answer);
    const { client_token: token, lease_duration: seconds } = recordOf(recordOf(answer.body).auth);
    if (typeof token !== 'string') return refuse('issuer-answer', 'its login has no client_token');
    const lifeMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : 3_600_000;
    this.#login = { token, untilMs: clock.monotonic() + (lifeMs * 2) / 3 };
    return token;
  }
}

function refusal(what: string, { status, body }: JsonAnswer): WeftError {
  const said = textsOf(recordOf(body).errors).join('; ').slice(0, 500) || `status ${status}`;
  const code = status === 403 || status === 401 ? 'issuer-denied' : 'issuer-refused';
  const remedy =
    code === 'issuer-denied'
      ? 'let the policy of this login update it, as docs/certificates.md says'
      : 'compare the role with docs/certificates.md';
  return refuse(code, `${what}: ${said}; ${remedy}`);
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'internal' });
}

/** The texts of a list that may not be there. */
function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : [];
}
