import { readFileSync } from 'node:fs';
import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CredentialSource } from '../discovery/index.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import {
  type CertificateKeeper,
  type CredentialParts,
  type Credentials,
  readCredentials,
} from '../identity/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';

const fileName = 'credentials.json';

/**
 * The credentials of a proxy, kept in its own state folder (memory-backed, of this container alone), so that a proxy that is
 * restarted while the control plane is away still has mutual TLS. What the keeper obtains replaces what was kept.
 */
export class KeptCredentials implements CredentialSource {
  readonly #keeper: CertificateKeeper;
  readonly #file: string;
  readonly #log: Log;
  readonly #kept: Credentials | undefined;

  /** `folder` '' keeps nothing. `principal`: whose credentials these must be. */
  constructor(keeper: CertificateKeeper, folder: string, principal: string, clock: Clock, log: Log) {
    this.#keeper = keeper;
    this.#file = folder === '' ? '' : join(folder, fileName);
    this.#log = log;
    this.#kept = this.#file === '' ? undefined : readKept(this.#file, principal, clock.now());
    if (this.#kept !== undefined)
      log.info({ principal }, 'begins with the certificate of before the restart');
  }

  get credentials(): Credentials | undefined {
    return this.#keeper.credentials ?? this.#kept;
  }

  /** As CertificateKeeper.subscribe, the kept credentials included. */
  subscribe(listener: Parameters<CredentialSource['subscribe']>[0]): () => void {
    if (this.#keeper.credentials === undefined && this.#kept !== undefined)
      listener(this.#kept, 'certificate');
    return this.#keeper.subscribe(listener);
  }

  /** Begins to write what the keeper obtains. */
  start(): void {
    if (this.#file === '') return;
    this.#keeper.subscribe(credentials => void this.#save(credentials));
  }

  async #save({ keyPem, chainPem, roots }: Credentials): Promise<void> {
    const parts: CredentialParts = { keyPem, chainPem, roots };
    try {
      await writeFile(`${this.#file}.new`, JSON.stringify(parts), { mode: 0o600 });
      await chmod(`${this.#file}.new`, 0o600);
      await rename(`${this.#file}.new`, this.#file);
    } catch (error) {
      this.#log.warn(
        { file: this.#file },
        `the certificate could not be kept for a restart: ${errorMessage(error)}`,
      );
    }
  }
}

/** Undefined when there are none, or none that are good now for this workload. */
function readKept(file: string, principal: string, nowMs: number): Credentials | undefined {
  let parts: CredentialParts;
  try {
    parts = JSON.parse(readFileSync(file, 'utf8')) as CredentialParts;
  } catch {
    return undefined;
  }
  const { keyPem, chainPem, roots } = parts;
  if (typeof keyPem !== 'string' || typeof chainPem !== 'string' || !Array.isArray(roots)) return undefined;
  const credentials = readCredentials({ keyPem, chainPem, roots }, nowMs);
  return credentials instanceof WeftError || credentials.principal !== principal ? undefined : credentials;
}
