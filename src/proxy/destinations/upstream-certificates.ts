import { createPrivateKey, X509Certificate } from 'node:crypto';
import { errorMessage } from '../../errors/index.ts';
import type { CertificateResource, DestinationResource } from '../../model/index.ts';
import type { DestinationSource } from './destinations.ts';

/** What becomes of a destination once all that it names is here: Destinations. */
export interface DestinationSink {
  has(key: string): boolean;
  /** See ResourceSink.apply. */
  applyDestination(resource: DestinationResource): string | undefined;
}

/**
 * Certificates that a sidecar shows upstreams (OriginatedTls.certificate), asked for as long as a destination names them. One
 * that is named for the first time holds its destination up: what was told before stays in use until both are here.
 */
export class UpstreamCertificates {
  readonly #source: DestinationSource;
  readonly #sink: DestinationSink;
  readonly #kept = new Map<string, CertificateResource | undefined>();
  /** By destination. */
  readonly #named = new Map<string, readonly string[]>();
  readonly #waiting = new Map<string, DestinationResource>();

  constructor(source: DestinationSource, sink: DestinationSink) {
    this.#source = source;
    this.#sink = sink;
  }

  /** One that is good, or why there is none; undefined while nobody has told. */
  certificate(key: string): CertificateResource | undefined {
    return this.#kept.get(key);
  }

  /** The source for destinations: their certificates are forgotten with them. */
  following(): DestinationSource {
    return {
      want: key => this.#source.want(key),
      forget: key => {
        this.#forget(key);
        this.#source.forget(key);
      },
    };
  }

  /** See ResourceSink.apply. */
  applyDestination(resource: DestinationResource): string | undefined {
    const { key, clusters } = resource;
    const named = clusters.flatMap(({ settings }) => settings.tls?.certificate ?? []);
    if (named.length === 0 && !this.#named.has(key)) return this.#sink.applyDestination(resource);
    // What was sent may cross its own end on the way.
    if (!this.#sink.has(key)) return undefined;
    this.#name(key, named);
    if (this.#isComplete(named)) {
      this.#waiting.delete(key);
      return this.#sink.applyDestination(resource);
    }
    this.#waiting.set(key, resource);
    return undefined;
  }

  /** Takes a certificate over; one that cannot be used leaves the last good one in use. See ResourceSink.apply. */
  applyCertificate(resource: CertificateResource): string | undefined {
    const { key, why } = resource;
    if (!this.#kept.has(key)) return undefined;
    const fault = why === undefined ? faultOf(resource) : undefined;
    const before = this.#kept.get(key);
    const isGood = before !== undefined && before.why === undefined;
    if (fault === undefined || !isGood)
      this.#kept.set(key, fault === undefined ? resource : { ...resource, why: fault });
    const refused = [...this.#waiting.values()].flatMap(destination => {
      if (!this.#isComplete(this.#named.get(destination.key) ?? [])) return [];
      this.#waiting.delete(destination.key);
      return this.#sink.applyDestination(destination) ?? [];
    });
    return [...(fault === undefined ? [] : [fault]), ...refused].join('; ') || undefined;
  }

  #forget(key: string): void {
    this.#waiting.delete(key);
    if (this.#named.has(key)) this.#name(key, []);
  }

  #isComplete(named: readonly string[]): boolean {
    return named.every(each => this.#kept.get(each) !== undefined);
  }

  #name(destination: string, named: readonly string[]): void {
    const before = this.#named.get(destination) ?? [];
    if (named.length === 0) this.#named.delete(destination);
    else this.#named.set(destination, named);
    for (const each of new Set(named)) {
      if (this.#kept.has(each)) continue;
      this.#kept.set(each, undefined);
      this.#source.want(each);
    }
    const used = new Set([...this.#named.values()].flat());
    for (const each of before) {
      if (used.has(each) || !this.#kept.delete(each)) continue;
      this.#source.forget(each);
    }
  }
}

function faultOf({ key, chain, privateKey }: CertificateResource): string | undefined {
  const secret = `Secret ${key.split('/').slice(1).join('/')}`;
  try {
    if (new X509Certificate(chain).checkPrivateKey(createPrivateKey(privateKey))) return undefined;
    return `${secret}: the private key does not belong to the certificate; put both of one pair there`;
  } catch (thrown) {
    return `${secret}: certificate and key cannot be read (${errorMessage(thrown)})`;
  }
}
