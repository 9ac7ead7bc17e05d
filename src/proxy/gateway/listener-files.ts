// Certificates and authorities that listeners name as files of the proxy, such as a Secret that is mounted: read when a listener
// first names them, and again every few seconds, since whoever rotates them writes them anew.
import { readFileSync } from 'node:fs';
import { errorMessage } from '../../errors/index.ts';
import { type CertificateResource, parseFileCertificateKey } from '../../model/index.ts';
import type { Log } from '../../telemetry/index.ts';
import type { Cancel, Clock } from '../../time/index.ts';

const lookEveryMs = 5_000;

/** Who hears of what files say. */
export interface FilesReader {
  /** A certificate is there, is another, or cannot be read (`why`). Answers why it cannot be used. */
  onCertificate(resource: CertificateResource): string | undefined;
  /** Authorities are others. */
  onAuthorities(): void;
}

interface KnownCertificate {
  chain: string;
  privateKey: string;
  isGood: boolean;
}

/** The files of one gateway's listeners. */
export class ListenerFiles {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #reader: FilesReader;
  readonly #certificates = new Map<string, KnownCertificate>();
  /** By file. */
  readonly #authorities = new Map<string, string>();
  /** Said once, until it is another. */
  readonly #troubles = new Map<string, string>();
  #stop: Cancel | undefined;

  constructor(clock: Clock, log: Log, reader: FilesReader) {
    this.#clock = clock;
    this.#log = log;
    this.#reader = reader;
  }

  /** From now on these are followed. `certificates`: fileCertificateKey; `authorities`: names of files. */
  want(certificates: ReadonlySet<string>, authorities: ReadonlySet<string>): void {
    for (const key of this.#certificates.keys()) if (!certificates.has(key)) this.#certificates.delete(key);
    for (const file of this.#authorities.keys()) if (!authorities.has(file)) this.#authorities.delete(file);
    for (const key of certificates) {
      if (this.#certificates.has(key)) continue;
      this.#certificates.set(key, { chain: '', privateKey: '', isGood: false });
      this.#readCertificate(key);
    }
    for (const file of authorities) {
      if (this.#authorities.has(file)) continue;
      this.#authorities.set(file, '');
      this.#readAuthorities(file);
    }
    const isIdle = this.#certificates.size + this.#authorities.size === 0;
    if (isIdle) this.close();
    else this.#stop ??= this.#clock.every(lookEveryMs, () => this.look());
  }

  /** PEM; '' where nothing could be read yet. */
  authorities(file: string): string {
    return this.#authorities.get(file) ?? '';
  }

  /** Reads all of them again. */
  look(): void {
    for (const key of this.#certificates.keys()) this.#readCertificate(key);
    for (const file of this.#authorities.keys()) this.#readAuthorities(file);
  }

  close(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #readCertificate(key: string): void {
    const known = this.#certificates.get(key)!;
    const { certificate, privateKey: keyFile } = parseFileCertificateKey(key)!;
    const [chain, privateKey] = [this.#read(certificate), this.#read(keyFile)];
    if (chain === undefined || privateKey === undefined) {
      // What is withdrawn by mistake costs nobody a connection: the last good one stays.
      if (!known.isGood)
        this.#tell(key, { chain: '', privateKey: '', why: this.#whyOf(certificate, keyFile) });
      return;
    }
    if (chain === known.chain && privateKey === known.privateKey) return;
    known.chain = chain;
    known.privateKey = privateKey;
    const refused = this.#tell(key, { chain, privateKey });
    known.isGood ||= refused === undefined;
    this.#complain(key, refused);
  }

  #tell(key: string, rest: Omit<CertificateResource, 'kind' | 'key'>): string | undefined {
    return this.#reader.onCertificate({ kind: 'certificate', key, ...rest });
  }

  #whyOf(...files: readonly string[]): string {
    return files.flatMap(file => this.#troubles.get(file) ?? []).join('; ');
  }

  #readAuthorities(file: string): void {
    const text = this.#read(file);
    if (text === undefined || text === this.#authorities.get(file)) return;
    if (!text.includes('-----BEGIN CERTIFICATE-----')) {
      this.#complain(file, `the file ${file} holds no certificate of an authority (PEM)`);
      return;
    }
    this.#authorities.set(file, text);
    this.#reader.onAuthorities();
  }

  #read(file: string): string | undefined {
    try {
      const text = readFileSync(file, 'utf8');
      this.#troubles.delete(file);
      return text;
    } catch (thrown) {
      this.#complain(
        file,
        `the file ${file} cannot be read (${errorMessage(thrown)}); is it mounted into the gateway's pod?`,
      );
      return undefined;
    }
  }

  #complain(about: string, why: string | undefined): void {
    if (why === undefined) this.#troubles.delete(about);
    else if (this.#troubles.get(about) !== why) {
      this.#troubles.set(about, why);
      this.#log.warn({}, why);
    }
  }
}
