import type { WeftError } from '../errors/index.ts';

/** A Secret, as far as certificates go. */
export interface StoredSecret {
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
  /** Changes with every write. */
  readonly version: string;
}

/** Where Secrets are kept: a cluster, or a folder. Failures are returned. */
export interface SecretStore {
  read(namespace: string, name: string): Promise<StoredSecret | WeftError | undefined>;
  /** `before`: the version that is replaced, undefined where there is none; code `api-conflict` where that is no longer so. */
  write(
    namespace: string,
    name: string,
    secret: Omit<StoredSecret, 'version'>,
    before: string | undefined,
  ): Promise<WeftError | undefined>;
  /** What is not there is gone. */
  remove(namespace: string, name: string): Promise<WeftError | undefined>;
}
