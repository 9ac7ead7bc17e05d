// For tests: a gateway in this process, with the orders of its certificates, and Secrets in memory between the two.
import type { CertificateNews, SecretStore, StoredSecret } from '../../src/acme/index.ts';
import { CertificateOrders, wishesOf } from '../../src/acme/index.ts';
import { WeftError } from '../../src/errors/index.ts';
import type { Problem } from '../../src/model/index.ts';
import { GatewayRig } from '../../src/proxy/gateway/testing/gateway-rig.ts';
import { type Clock, systemClock } from '../../src/time/index.ts';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';

/** Secrets in memory, as a cluster has them: every replica sees all of them. */
export class MemorySecrets implements SecretStore {
  readonly all = new Map<string, StoredSecret>();
  changed: () => void = () => {};
  #version = 0;

  async read(namespace: string, name: string): Promise<StoredSecret | undefined> {
    return this.all.get(`${namespace}/${name}`);
  }

  async write(
    namespace: string,
    name: string,
    secret: Omit<StoredSecret, 'version'>,
    before: string | undefined,
  ): Promise<WeftError | undefined> {
    const key = `${namespace}/${name}`;
    if (this.all.get(key)?.version !== before) return new WeftError('api-conflict', `${key} has changed`);
    this.all.set(key, { ...secret, version: String(++this.#version) });
    this.changed();
    return undefined;
  }

  async remove(namespace: string, name: string): Promise<undefined> {
    if (this.all.delete(`${namespace}/${name}`)) this.changed();
  }

  yaml(): string {
    return [...this.all]
      .map(([key, { type, labels, annotations, data }]) => {
        const [namespace, name] = key.split('/');
        const object = {
          apiVersion: 'v1',
          kind: 'Secret',
          type,
          metadata: { namespace, name, labels, annotations },
          stringData: data,
        };
        return `---\n${JSON.stringify(object)}\n`;
      })
      .join('');
  }
}

/** Gateways, replicas of one, and who orders for all of them. */
export class AcmeRig {
  readonly secrets = new MemorySecrets();
  readonly replicas: readonly GatewayRig[];
  readonly news: CertificateNews[] = [];
  readonly #clock: Clock;
  #orders: CertificateOrders;
  #yaml = '';
  #leading = new AbortController();
  #ended: Promise<void> = Promise.resolve();
  #heard: () => void = () => {};

  constructor(yaml: string, replicas = 1, clock: Clock = systemClock) {
    this.#yaml = yaml;
    this.#clock = clock;
    this.replicas = Array.from({ length: replicas }, () => new GatewayRig(yaml));
    this.#orders = this.#newOrders();
    this.secrets.changed = () => this.#tell();
  }

  get gateway(): GatewayRig {
    return this.replicas[0]!;
  }

  /** These objects, and the Secrets that there are. */
  tell(yaml: string): void {
    this.#yaml = yaml;
    this.#tell();
  }

  lead(): void {
    this.#leading = new AbortController();
    this.#ended = this.#orders.lead(this.#leading.signal);
  }

  /** The one that leads ends, and another one takes over, which knows nothing but what the Secrets say. */
  async restart(): Promise<void> {
    this.#leading.abort();
    await this.#ended;
    this.#orders = this.#newOrders();
    this.#tell();
    this.lead();
  }

  problems(): readonly Problem[] {
    return [...this.#orders.problems(), ...meshFromYaml(this.#all()).problems];
  }

  /** The next news that fit, within a minute and a half. */
  async until(what: string, fits: (news: CertificateNews) => boolean): Promise<CertificateNews> {
    const endMs = Date.now() + 90_000;
    for (;;) {
      const found = this.news.findIndex(fits);
      if (found >= 0) return this.news.splice(0, found + 1).at(-1)!;
      if (Date.now() > endMs)
        throw new Error(
          `${what} did not happen; news: ${JSON.stringify(this.news.map(each => each.message))}`,
        );
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, 1_000);
        this.#heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async untilProblem(code: string): Promise<void> {
    const endMs = Date.now() + 90_000;
    while (this.#orders.problems().every(each => each.code !== code)) {
      if (Date.now() > endMs) throw new Error(`nobody tells of ${code}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  async close(): Promise<void> {
    this.#leading.abort();
    await this.#ended;
    for (const each of this.replicas) each.close();
  }

  #newOrders(): CertificateOrders {
    return new CertificateOrders({
      ...{ store: this.secrets, clock: this.#clock, spreadMs: 0 },
      heard: news => {
        this.news.push(news);
        this.#heard();
      },
    });
  }

  #all(): string {
    return `${this.#yaml}${this.secrets.yaml()}`;
  }

  #tell(): void {
    const all = this.#all();
    for (const each of this.replicas) each.tell(all);
    this.#orders.wish(wishesOf(meshFromYaml(all).mesh, () => true));
  }
}
