// An ACME server for tests of what a good one never does: it believes everybody, and is slow, wrong and demanding as told.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { distinguishedName, randomSerial, signCertificate } from '../../src/ca/certificate-builder.ts';
import { readSigningRequest } from '../../src/ca/signing-request.ts';
import { alternativeNames } from '../../src/ca/testing/odd-certificates.ts';
import { writePem } from '../../src/identity/index.ts';

const dayMs = 86_400_000;

interface Order {
  readonly names: readonly string[];
  polls: number;
  chain: string;
}

export class OddServer {
  /** URL of the directory. */
  url = '';
  /** Paths that were asked, in order. */
  readonly asked: string[] = [];
  readonly orders: Order[] = [];
  /** Answers with this in place of its own; undefined: its own. */
  instead: (
    path: string,
  ) => { readonly status: number; readonly headers?: Record<string, string> } | undefined = () => undefined;
  /** Before it answers. */
  before: (path: string, order: Order | undefined) => Promise<void> = async () => {};
  /** How often an order is still pending, and when it wants to be asked again. */
  pendingPolls = 0;
  retryAfter: string | undefined;
  nowMs: () => number = Date.now;
  /** From when to when certificates are good, against the clock. */
  lifeMs: readonly [number, number] = [-3_600_000, 90 * dayMs];
  /** Signs keys that nobody asked for. */
  otherKey = false;
  account = true;
  readonly #key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

  async start(t: TestContext): Promise<this> {
    const server = createServer((asked, response) => void this.#answer(asked, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dir`;
    return this;
  }

  async #answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const piece of asked) text += String(piece);
    const path = asked.url ?? '';
    this.asked.push(path);
    const signed = text === '' ? undefined : (JSON.parse(text) as { payload: string });
    const payload = signed?.payload
      ? JSON.parse(Buffer.from(signed.payload, 'base64url').toString())
      : undefined;
    const number = Number(/\d+$/.exec(path)?.[0] ?? -1);
    await this.before(path, this.orders[number]);
    response.setHeader('replay-nonce', `nonce${this.asked.length}`);
    const other = this.instead(path);
    if (other !== undefined) {
      response.writeHead(other.status, other.headers);
      response.end('{}');
      return;
    }
    const [status, body, headers = {}] = this.#say(path.replace(/\d+$/, ''), number, payload);
    response.writeHead(status, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  #say(
    path: string,
    number: number,
    // biome-ignore lint/suspicious/noExplicitAny: what an ACME client sends, of which only this is looked at
    payload: any,
  ): readonly [number, unknown, Record<string, string>?] {
    const base = this.url.replace('/dir', '');
    const at = (name: string, of = number): string => `${base}/${name}/${of}`;
    const order = this.orders[number];
    switch (path) {
      case '/dir':
        return [
          200,
          { newNonce: `${base}/nonce`, newAccount: `${base}/account`, newOrder: `${base}/new-order` },
        ];
      case '/nonce':
        return [200, ''];
      case '/account':
        return [201, {}, this.account ? { location: `${base}/account/1` } : {}];
      case '/new-order': {
        const names = (payload.identifiers as { value: string }[]).map(each => each.value);
        const made = this.orders.push({ names, polls: 0, chain: '' }) - 1;
        return [
          201,
          { status: 'pending', authorizations: [at('authz', made)] },
          { location: at('order', made) },
        ];
      }
      case '/authz/': {
        const challenges = [{ type: 'http-01', url: at('challenge'), token: 'token', status: 'valid' }];
        // Not before it was told to look.
        const status = this.asked.includes(`/challenge/${number}`) ? 'valid' : 'pending';
        return [200, { status, identifier: { type: 'dns', value: order!.names[0] }, challenges }];
      }
      case '/challenge/':
        return [200, {}];
      case '/order/': {
        const isSigned = order!.chain !== '';
        const status = isSigned ? 'valid' : order!.polls++ < this.pendingPolls ? 'pending' : 'ready';
        const body = {
          status,
          finalize: at('finalize'),
          ...(isSigned && { certificate: at('certificate') }),
        };
        return [200, body, this.retryAfter === undefined ? {} : { 'retry-after': this.retryAfter }];
      }
      case '/finalize/':
        order!.chain = this.#sign(order!.names, payload.csr);
        return [200, {}];
      case '/certificate/':
        return [200, order!.chain];
      default:
        return [404, {}];
    }
  }

  #sign(names: readonly string[], csr: string): string {
    const asked = readSigningRequest(writePem('CERTIFICATE REQUEST', Buffer.from(csr, 'base64url')));
    if (asked instanceof Error) throw asked;
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    const now = this.nowMs();
    const der = signCertificate(
      {
        ...{ serial: randomSerial(), issuer: distinguishedName('odd'), subject: distinguishedName() },
        ...{ notBeforeMs: now + this.lifeMs[0], notAfterMs: now + this.lifeMs[1] },
        publicKey: this.otherKey ? other.export({ type: 'spki', format: 'der' }) : asked,
        extensions: [alternativeNames([], names)],
      },
      this.#key,
    );
    return writePem('CERTIFICATE', der);
  }
}
