// The certificates that a gateway has, and what TLS is ended with: contexts are made when a client first needs one, and again
// when its certificate is another.
import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { errorMessage } from '../../errors/index.ts';
import {
  type BoundListener,
  type BoundTls,
  type CertificateResource,
  parseFileCertificateKey,
} from '../../model/index.ts';
import { HostTable } from './host-table.ts';
import { ownTicketSecret, sealTickets, type TicketKey, ticketKeys } from './session-tickets.ts';

interface Kept {
  readonly resource: CertificateResource;
  /** Undefined for one that cannot be shown. */
  readonly names: HostTable<true> | undefined;
  /** By BoundListener.name: listeners with the same settings have tickets of their own. */
  contexts: WeakMap<BoundTls, Map<string, SecureContext>>;
}

/** What TLS of one connection is ended with; or why it cannot be. */
export type ChosenContext = { readonly context: SecureContext } | { readonly why: string };

/** Certificates by key. */
export class GatewayCertificates {
  readonly #kept = new Map<string, Kept>();
  /** By BoundListener.name. */
  #tickets: ReadonlyMap<string, readonly TicketKey[]> = new Map();
  readonly #ownTickets = [ownTicketSecret()];
  readonly #authoritiesIn: (file: string) => string;

  /** `authoritiesIn`: PEM of the authorities in a file of the proxy, as it is now; '' for none. */
  constructor(authoritiesIn: (file: string) => string = () => '') {
    this.#authoritiesIn = authoritiesIn;
  }

  /** Authorities in files are others: new connections are judged by them. */
  renew(): void {
    for (const each of this.#kept.values()) each.contexts = new WeakMap();
  }

  /** Puts one to use. A text: why not; then the last good one stays. */
  apply(resource: CertificateResource): string | undefined {
    const { key, why } = resource;
    const before = this.#kept.get(key);
    if (why !== undefined) {
      // Taken away on purpose, or never there: nobody is shown what its owner has withdrawn.
      this.#kept.set(key, { resource, names: undefined, contexts: new WeakMap() });
      return undefined;
    }
    const names = namesOf(resource);
    if (typeof names !== 'string') {
      this.#kept.set(key, {
        resource,
        names: new HostTable(names.map(name => [name, true])),
        contexts: new WeakMap(),
      });
      return undefined;
    }
    const failed = { ...resource, why: names };
    if (before?.names === undefined)
      this.#kept.set(key, { resource: failed, names: undefined, contexts: new WeakMap() });
    return `${nameOf(key)}: ${names}`;
  }

  /** For upstreams: the last one that is good, or why there is none. */
  find(key: string): CertificateResource | undefined {
    return this.#kept.get(key)?.resource;
  }

  /**
   * From now on tickets of these listeners, and of no others, are sealed with their secrets, or where they have none with one of
   * this process; see GatewayResource.ticketSecrets.
   */
  seal(listeners: readonly { readonly bound: BoundListener; readonly secrets: readonly string[] }[]): void {
    this.#tickets = new Map(
      listeners
        .filter(({ bound }) => hasTickets(bound.tls))
        .map(({ bound, secrets }) => [
          bound.name,
          ticketKeys(secrets.length > 0 ? secrets : this.#ownTickets, bound),
        ]),
    );
  }

  /** Forgets one that nothing names any more. */
  forget(key: string): void {
    this.#kept.delete(key);
  }

  /** What to end TLS with for who asks for `serverName`, '' for none: the first certificate that has the name, else the first. */
  choose(listener: BoundListener, serverName: string): ChosenContext {
    const tls = listener.tls!;
    const all = tls.certificates.map(key => this.#kept.get(key));
    const usable = all.filter(each => each?.names !== undefined);
    const chosen = usable.find(each => each!.names!.find(serverName) === true) ?? usable[0];
    if (chosen === undefined) return { why: this.#whyNone(tls) };
    let contexts = chosen.contexts.get(tls);
    if (contexts === undefined) {
      contexts = new Map();
      chosen.contexts.set(tls, contexts);
    }
    const { name } = listener;
    const known = contexts.get(name);
    if (known !== undefined) return { context: known };
    try {
      const { authoritiesFile: file, authorities = '' } = tls.clients ?? {};
      const trusted = file === undefined ? authorities : this.#authoritiesIn(file);
      const context = contextOf(tls, trusted, chosen.resource);
      if (hasTickets(tls)) sealTickets(context, () => this.#tickets.get(name) ?? []);
      contexts.set(name, context);
      return { context };
    } catch (thrown) {
      return { why: `${nameOf(chosen.resource.key)}: ${errorMessage(thrown)}` };
    }
  }

  #whyNone({ certificates }: BoundTls): string {
    if (certificates.length === 0) return 'the listener names no certificate';
    const whys = certificates.map(
      key => this.#kept.get(key)?.resource.why ?? `${nameOf(key)} is not here yet`,
    );
    return whys.join('; ');
  }
}

/** `Secret shop/tls`, or names of files. */
function nameOf(key: string): string {
  const files = parseFileCertificateKey(key);
  if (files !== undefined) return `${files.certificate} and ${files.privateKey}`;
  return `Secret ${key.split('/').slice(3).join('/')}`;
}

/** The hosts that the certificate is for; a text: why it cannot be shown. */
function namesOf({ chain, privateKey }: CertificateResource): readonly string[] | string {
  try {
    const certificate = new X509Certificate(chain);
    if (!certificate.checkPrivateKey(createPrivateKey(privateKey)))
      return 'the private key does not belong to the certificate; put both of one pair there';
    const names = (certificate.subjectAltName ?? '')
      .split(', ')
      .flatMap(each => /^DNS:(.+)$/.exec(each)?.[1] ?? []);
    const [, common] = /(?:^|\n)CN=(.+)/.exec(certificate.subject) ?? [];
    return (names.length > 0 ? names : common === undefined ? [] : [common]).map(name => name.toLowerCase());
  } catch (thrown) {
    return `certificate and key cannot be read (${errorMessage(thrown)})`;
  }
}

/** A session that is resumed brings the verdict on its client's certificate from before: those of who must show one are not. */
function hasTickets(tls: BoundTls | undefined): boolean {
  return tls?.mode === 'terminate' && tls.clients === undefined && tls.tickets !== false;
}

function contextOf(
  tls: BoundTls,
  authorities: string,
  { chain, privateKey }: CertificateResource,
): SecureContext {
  const { minVersion = 'TLSv1.2', maxVersion, ciphers, clients } = tls;
  const noTickets = hasTickets(tls) ? 0 : constants.SSL_OP_NO_TICKET;
  return createSecureContext({
    cert: chain,
    key: privateKey,
    minVersion,
    ...(maxVersion && { maxVersion }),
    ...(ciphers && { ciphers: ciphers.join(':') }),
    // Without any, Node would take whomever public authorities have signed.
    ...(clients && { ca: authorities === '' ? [] : authorities }),
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION | noTickets,
  });
}
