// Vault's PKI as far as VaultIssuer uses it, with our own authority behind it: paths, bodies, errors as Vault 1.14 has them.
// For tests on machines without the program; the same tests run against the real one where WEFT_VAULT names it.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { parseSpiffe } from '../../model/index.ts';
import { recordOf } from '../../plain/index.ts';
import { systemClock } from '../../time/index.ts';
import { CertificateAuthority } from '../certificate-authority.ts';

/** The token of who may do everything. */
export const DOUBLE_ROOT_TOKEN = 'root';

/** See the head of this file. */
export class VaultDouble {
  address = '';
  /** The mount's issuers; the first is the default. */
  issuers: CertificateAuthority[] = [
    CertificateAuthority.createRoot({ trustDomain: 'vault', clock: systemClock }),
  ];
  /** Tokens that are good now, and the JWTs that bring one. */
  readonly tokens = new Set([DOUBLE_ROOT_TOKEN]);
  readonly jwts = new Set<string>();
  logins = 0;
  /** Answers another identity than it is asked for, as a role that takes names from the request would. */
  misissues = false;
  #made = 0;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async start(): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    this.address = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = request.method === 'POST' ? recordOf(await json(request)) : {};
    const [status, answer] = this.#of(request, (request.url ?? '').split('?')[0]!, body);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  #of(
    { headers }: IncomingMessage,
    path: string,
    body: Readonly<Record<string, unknown>>,
  ): readonly [number, unknown] {
    if (path === '/v1/auth/kubernetes/login') return this.#login(body);
    if (!this.tokens.has(String(headers['x-vault-token']))) return [403, { errors: ['permission denied'] }];
    if (path === '/v1/pki/issuers')
      return [200, { data: { keys: this.issuers.map((_, at) => `issuer-${at}`) } }];
    const issuer = /^\/v1\/pki\/issuer\/issuer-(\d+)\/json$/.exec(path)?.[1];
    if (issuer !== undefined) {
      const { chainPem } = this.issuers[Number(issuer)]!.parts;
      return [200, { data: { certificate: chainPem, ca_chain: [chainPem] } }];
    }
    if (path === '/v1/pki/sign/weft') return this.#sign(body);
    return [404, { errors: [`1 error occurred:\n\t* unsupported path\n\n`] }];
  }

  #login({ role, jwt }: Readonly<Record<string, unknown>>): readonly [number, unknown] {
    if (role !== 'weft-injector' || !this.jwts.has(String(jwt)))
      return [403, { errors: ['permission denied'] }];
    this.logins++;
    const token = `token-${this.#made++}`;
    this.tokens.add(token);
    return [200, { auth: { client_token: token, lease_duration: 3600 } }];
  }

  #sign(body: Readonly<Record<string, unknown>>): readonly [number, unknown] {
    const identity = parseSpiffe(this.misissues ? 'spiffe://x/ns/a/sa/b' : String(body.uri_sans));
    if (identity?.trustDomain !== 'cluster.local' && !this.misissues)
      return [
        400,
        { errors: [`URI Subject Alternative Name ${String(body.uri_sans)} not allowed by this role`] },
      ];
    const authority = this.issuers[0]!;
    const dnsNames = String(body.alt_names ?? '')
      .split(',')
      .filter(Boolean);
    const lifetimeMs = Number.parseInt(String(body.ttl), 10) * 1000;
    const signed = authority.sign(String(body.csr), identity!, { dnsNames, lifetimeMs });
    if (signed instanceof Error) return [400, { errors: [signed.message] }];
    const { chainPem } = authority.parts;
    return [200, { data: { certificate: signed.chainPem, issuing_ca: chainPem, ca_chain: [chainPem] } }];
  }
}
