// Certificates that CertificateIssuers give, for who has a mesh and somewhere to keep Secrets. acme/ is loaded with the first
// that is asked for.
import type { CertificateNews, CertificateOrders, SecretStore } from '../acme/index.ts';
import { type Gateway, isOurs, type Mesh, type Problem } from '../model/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';

export interface IssuedCertificatesOptions {
  readonly store: SecretStore;
  readonly clock: Clock;
  readonly log: Log;
  /** See CertificateOrdersOptions. */
  readonly spreadMs: number;
  readonly heard?: (news: CertificateNews) => void;
}

/** Follows what gateways ask for; who leads has it ordered. */
export class IssuedCertificates {
  readonly #options: IssuedCertificatesOptions;
  #orders: CertificateOrders | undefined;
  #mesh: Mesh | undefined;
  #looked: readonly unknown[] = [];
  #leading: AbortSignal | undefined;

  constructor(options: IssuedCertificatesOptions) {
    this.#options = options;
  }

  /** Hears of every mesh. */
  follow(mesh: Mesh): void {
    this.#mesh = mesh;
    const { gateways, gatewayClasses, certificateIssuers, credentials, credentialGrants } = mesh;
    const looked = [gateways, gatewayClasses, certificateIssuers, credentials, credentialGrants];
    if (looked.every((each, index) => each === this.#looked[index])) return;
    this.#looked = looked;
    if (certificateIssuers.size > 0 || this.#orders !== undefined) void this.#look();
  }

  /** Orders, until the signal aborts. */
  lead(signal: AbortSignal): void {
    this.#leading = signal;
    if (this.#orders !== undefined) void this.#orders.lead(signal);
  }

  problems(): readonly Problem[] {
    return this.#orders?.problems() ?? [];
  }

  async #look(): Promise<void> {
    const { CertificateOrders, wishesOf } = await import('../acme/index.ts');
    const mesh = this.#mesh!;
    const first = this.#orders === undefined;
    this.#orders ??= new CertificateOrders({ ...this.#options, heard: news => this.#heard(news) });
    this.#orders.wish(wishesOf(mesh, gateway => isServed(gateway, mesh)));
    if (first && this.#leading !== undefined && !this.#leading.aborted) void this.#orders.lead(this.#leading);
  }

  #heard(news: CertificateNews): void {
    const { log, heard } = this.#options;
    const { namespace, name } = news.wish.secret;
    const fields = { ...(news.code !== undefined && { code: news.code }), secret: `${namespace}/${name}` };
    if (news.what === 'issued') log.info(fields, news.message);
    else log.warn(fields, news.message);
    heard?.(news);
  }
}

function isServed({ className }: Gateway, { gatewayClasses }: Mesh): boolean {
  return isOurs(className, className === undefined ? [] : (gatewayClasses.get(className) ?? []));
}
