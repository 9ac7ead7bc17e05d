import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage, WeftError } from '../../errors/index.ts';
import { type Problem, problem } from '../../model/index.ts';
import { isRecord, stringsOf } from '../../plain/index.ts';
import type { Entries, KubeObject } from '../../registry/index.ts';
import type { Source } from '../source.interface.ts';

/** A Secret, as this folder keeps it. */
export interface FolderSecret {
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
  readonly version: string;
}

/** Secrets of others, which are read and not written: what a folder of YAML has. */
export type OtherSecrets = (namespace: string, name: string) => KubeObject | undefined;

const kind = 'Secret';

/**
 * A folder of Secrets that this process itself writes, one file each, for who has no cluster. Only we may read it: files have
 * mode 0600, the folder 0700. What is written is told to the registry at once. One process at a time.
 */
export class SecretsFolder implements Source {
  readonly name: string;
  readonly #folder: string;
  readonly #others: OtherSecrets;
  readonly #kept = new Map<string, FolderSecret>();
  #entries: Entries | undefined;
  #trouble: Problem | undefined;

  constructor(folder: string, others: OtherSecrets = () => undefined) {
    this.#folder = folder;
    this.#others = others;
    this.name = `secrets:${folder}`;
  }

  async start(entries: Entries, _signal: AbortSignal): Promise<void> {
    this.#entries = entries;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      for (const file of readdirSync(this.#folder)) if (file.endsWith('.json')) this.#read(file);
    } catch (thrown) {
      this.#trouble = this.#problemOf(thrown);
    }
    for (const [key, secret] of this.#kept) entries.put(objectOf(key, secret));
    entries.flush();
  }

  problems(): readonly Problem[] {
    return this.#trouble === undefined ? [] : [this.#trouble];
  }

  async read(namespace: string, name: string): Promise<FolderSecret | undefined> {
    const own = this.#kept.get(`${namespace}/${name}`);
    if (own !== undefined) return own;
    const other = this.#others(namespace, name);
    return other && secretOf(other);
  }

  async write(
    namespace: string,
    name: string,
    secret: Omit<FolderSecret, 'version'>,
    before: string | undefined,
  ): Promise<WeftError | undefined> {
    const key = `${namespace}/${name}`;
    const known = await this.read(namespace, name);
    if (known?.version !== before)
      return new WeftError('api-conflict', `Secret ${key} has been changed meanwhile; it is looked at again`);
    const object = objectOf(key, secret);
    const text = `${JSON.stringify(object, undefined, 2)}\n`;
    const path = this.#pathOf(key);
    try {
      writeFileSync(`${path}.part`, text, { mode: 0o600 });
      renameSync(`${path}.part`, path);
    } catch (thrown) {
      this.#trouble = this.#problemOf(thrown);
      return new WeftError('secrets-folder', this.#trouble.message);
    }
    this.#trouble = undefined;
    this.#kept.set(key, { ...secret, version: versionOf(object) });
    this.#entries?.put(object);
    return undefined;
  }

  async remove(namespace: string, name: string): Promise<WeftError | undefined> {
    const key = `${namespace}/${name}`;
    if (!this.#kept.delete(key)) return undefined;
    rmSync(this.#pathOf(key), { force: true });
    this.#entries?.delete(kind, key);
    return undefined;
  }

  #read(file: string): void {
    try {
      const object: unknown = JSON.parse(readFileSync(join(this.#folder, file), 'utf8'));
      if (!isRecord(object) || !isRecord(object.metadata)) throw new Error('it is no Secret');
      const { namespace, name } = stringsOf(object.metadata);
      this.#kept.set(`${namespace}/${name}`, secretOf(object as unknown as KubeObject));
    } catch (thrown) {
      this.#trouble = this.#problemOf(`${file}: ${errorMessage(thrown)}`);
    }
  }

  #problemOf(thrown: unknown): Problem {
    const why = errorMessage(thrown);
    return problem(
      'secrets-folder',
      `certificates cannot be kept in ${this.#folder}: ${why}; let this process write there`,
    );
  }

  #pathOf(key: string): string {
    return join(this.#folder, `${key.replace('/', '.').replace(/[^A-Za-z0-9.-]/g, '_')}.json`);
  }
}

function objectOf(
  key: string,
  { type, labels, annotations, data }: Omit<FolderSecret, 'version'>,
): KubeObject {
  const [namespace = '', name = ''] = key.split('/');
  return {
    ...{ apiVersion: 'v1', kind, type },
    metadata: { namespace, name, labels, annotations },
    stringData: data,
  };
}

function secretOf(object: KubeObject): FolderSecret {
  const { labels, annotations } = object.metadata;
  const encoded = Object.entries(stringsOf(object.data)).map(([name, text]) => [
    name,
    Buffer.from(text, 'base64').toString('utf8'),
  ]);
  return {
    type: typeof object.type === 'string' ? object.type : '',
    labels: stringsOf(labels),
    annotations: stringsOf(annotations),
    data: { ...Object.fromEntries(encoded), ...stringsOf(object.stringData) },
    version: versionOf(object),
  };
}

/** What it says, in short. */
function versionOf(object: KubeObject): string {
  return createHash('sha256').update(JSON.stringify(object)).digest('base64url');
}
