import {
  type BoundListener,
  type CertificateResource,
  type DestinationResource,
  parseFileCertificateKey,
} from '../../model/index.ts';
import type { Log } from '../../telemetry/index.ts';
import type { Clock } from '../../time/index.ts';
import type { DestinationSource } from '../destinations/destinations.ts';
import { GatewayCertificates } from './certificates.ts';
import { ListenerFiles } from './listener-files.ts';

/** Which certificates a gateway needs, for its listeners and to show its upstreams: asked for, or read from files. */
export class WantedCertificates {
  readonly kept: GatewayCertificates;
  readonly #source: DestinationSource;
  readonly #files: ListenerFiles;
  #wanted: ReadonlySet<string> = new Set();
  #bound: readonly BoundListener[] = [];
  /** By destination: certificates that its upstreams are shown. */
  readonly #shown = new Map<string, readonly string[]>();

  constructor(source: DestinationSource, clock: Clock, log: Log) {
    this.#source = source;
    this.#files = new ListenerFiles(clock, log, {
      onCertificate: resource => this.kept.apply(resource),
      onAuthorities: () => this.kept.renew(),
    });
    this.kept = new GatewayCertificates(file => this.#files.authorities(file));
  }

  /** See ResourceSink.apply. */
  apply(resource: CertificateResource): string | undefined {
    return this.kept.apply(resource);
  }

  /** From now on there are these listeners, and of destinations only those that `isKept` names. */
  listen(bound: readonly BoundListener[], isKept: (destination: string) => boolean): void {
    this.#bound = bound;
    for (const key of this.#shown.keys()) if (!isKept(key)) this.#shown.delete(key);
    this.#renew();
  }

  /** The destination names these from now on. */
  heed({ key, clusters }: DestinationResource): void {
    const shown = clusters.flatMap(({ settings }) => settings.tls?.certificate ?? []);
    if (shown.length === 0 && !this.#shown.has(key)) return;
    this.#shown.set(key, shown);
    this.#renew();
  }

  /** Reads no files any more. */
  close(): void {
    this.#files.close();
  }

  #renew(): void {
    const ofListeners = this.#bound.flatMap(each => each.tls?.certificates ?? []);
    const isFile = (key: string): boolean => parseFileCertificateKey(key) !== undefined;
    const wanted = new Set([...ofListeners, ...[...this.#shown.values()].flat()]);
    const before = this.#wanted;
    this.#wanted = wanted;
    for (const key of wanted) if (!before.has(key) && !isFile(key)) this.#source.want(key);
    const files = this.#bound.flatMap(each => each.tls?.clients?.authoritiesFile ?? []);
    this.#files.want(new Set(ofListeners.filter(isFile)), new Set(files));
    for (const key of before) {
      if (wanted.has(key)) continue;
      if (!isFile(key)) this.#source.forget(key);
      this.kept.forget(key);
    }
  }
}
