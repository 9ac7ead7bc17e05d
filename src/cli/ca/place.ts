// Where an authority and its revocations are kept: Secrets of a cluster, or the folder of a sandbox or of a control plane without
// a cluster. The control plane follows both, so that to write is to change it.
import { answerMessage } from '../../../webhook/index.ts';
import {
  type AuthorityRecord,
  authorityFromSecret,
  formatRevocations,
  parseRevocations,
  patchOfAuthority,
  readAuthorityRecord,
  readRevocations,
  type WrittenRevocation,
  writeAuthorityRecord,
  writeRevocations,
} from '../../ca/index.ts';
import { WeftError } from '../../errors/index.ts';
import { NAMES } from '../install/names.ts';
import type { Cluster } from '../kubernetes/connect.ts';
import { authorityInForce, type InForce, signsElsewhere } from './in-force.ts';

/** Reads reject with a WeftError that says what to do. */
export interface AuthorityPlace {
  /** For messages: `Secret weft-system/weft-ca`. */
  readonly name: string;
  /** Who signs now; undefined where nobody says. Where its key is somebody else's, `read` and `write` reject. */
  readonly inForce?: InForce;
  read(): Promise<AuthorityRecord>;
  write(record: AuthorityRecord): Promise<void>;
  revoked(): Promise<readonly WrittenRevocation[]>;
  revoke(list: readonly WrittenRevocation[]): Promise<void>;
}

/** An authority's folder. */
export function folderPlace(folder: string): AuthorityPlace {
  return {
    name: `folder ${folder}`,
    read: async () => good(await readAuthorityRecord(folder)),
    write: async record => void good(await writeAuthorityRecord(folder, record)),
    revoked: async () => good(await readRevocations(folder)),
    revoke: async list => void good(await writeRevocations(folder, list)),
  };
}

/** What the control plane of the revision in `namespace` signs with, and its list of who is revoked. */
export async function clusterPlace(
  cluster: Cluster,
  namespace: string,
  revision?: string,
): Promise<AuthorityPlace> {
  const inForce = await authorityInForce(cluster, namespace, revision);
  const list = revocationsOf(cluster, namespace);
  if (!inForce?.isElsewhere)
    return { ...(await secretPlace(cluster, namespace)), ...list, ...(inForce && { inForce }) };
  const refuse = (): Promise<never> => Promise.reject(signsElsewhere(inForce));
  return { name: inForce.issuer, inForce, read: refuse, write: refuse, ...list };
}

/** The Secret that it uses: one of the operator's own where it exists. */
async function secretPlace(
  cluster: Cluster,
  namespace: string,
): Promise<Pick<AuthorityPlace, 'name' | 'read' | 'write'>> {
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  const own = await new KeptData(cluster, `${secrets}/${NAMES.ownAuthority}`).read();
  const secret = own ? NAMES.ownAuthority : NAMES.authority;
  const path = `${secrets}/${secret}`;
  const authority = new KeptData(cluster, path);
  return {
    name: `Secret ${namespace}/${secret}`,
    async read() {
      const data = await authority.read();
      if (data) return good(authorityFromSecret(data, `${namespace}/${secret}`));
      const why = `there is no Secret ${namespace}/${secret}: the control plane makes it when it starts; see weft check, or name its namespace with --system-namespace`;
      throw new WeftError('ca-absent', why, { source: 'config' });
    },
    async write(record) {
      if (!(await authority.write(patchOfAuthority(record))))
        throw denied('patch', path, 'it is not there any more');
    },
  };
}

function revocationsOf(cluster: Cluster, namespace: string): Pick<AuthorityPlace, 'revoked' | 'revoke'> {
  const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
  const revocations = new KeptData(cluster, `${configMaps}/${NAMES.revoked}`);
  return {
    async revoked() {
      const data = await revocations.read();
      const text = data?.['revoked.json'];
      return good(parseRevocations(typeof text === 'string' ? text : undefined));
    },
    async revoke(list) {
      const data = { 'revoked.json': formatRevocations(list) };
      if (!(await revocations.write(data))) await revocations.create(configMaps, NAMES.revoked, data);
    },
  };
}

/**
 * The data of one object. It is written as a change of what was read last: what somebody else has written since, another step of
 * a rotation or another revocation, is not written over.
 */
export class KeptData {
  readonly #cluster: Cluster;
  readonly #path: string;
  #version: string | undefined;
  /** When it was read: somebody else may have made it since. */
  #isAbsent = false;

  constructor(cluster: Cluster, path: string) {
    this.#cluster = cluster;
    this.#path = path;
  }

  /** Undefined where there is none. Rejects with ca-denied. */
  async read(): Promise<Readonly<Record<string, unknown>> | undefined> {
    const answer = await this.#cluster.request({ method: 'GET', path: this.#path });
    this.#isAbsent = answer.status === 404;
    if (this.#isAbsent) return undefined;
    if (answer.status !== 200) throw denied('read', this.#path, answerMessage(answer));
    const { metadata, data } = answer.body as {
      readonly metadata?: { readonly resourceVersion?: string };
      readonly data?: Readonly<Record<string, unknown>>;
    };
    this.#version = metadata?.resourceVersion;
    return data ?? {};
  }

  /** Makes it, where `read` found none and nobody has made it since. Rejects with ca-denied, ca-changed. */
  async create(configMaps: string, name: string, data: Readonly<Record<string, string>>): Promise<void> {
    const metadata = { name, labels: { 'app.kubernetes.io/part-of': 'weft' } };
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
    const answer = await this.#cluster.request({ method: 'POST', path: configMaps, body });
    if (answer.status === 409) throw changed(this.#path);
    if (answer.status !== 201 && answer.status !== 200)
      throw denied('create', configMaps, answerMessage(answer));
  }

  /** Null takes a key out. False: there was no such object, or is none any more. Rejects with ca-denied, ca-changed. */
  async write(data: Readonly<Record<string, string | null>>): Promise<boolean> {
    if (this.#isAbsent) return false;
    const body = { metadata: { resourceVersion: this.#version }, data };
    const contentType = 'application/merge-patch+json';
    const answer = await this.#cluster.request({ method: 'PATCH', path: this.#path, body, contentType });
    if (answer.status === 404) return false;
    if (answer.status === 409) throw changed(this.#path);
    if (answer.status !== 200) throw denied('patch', this.#path, answerMessage(answer));
    return true;
  }
}

function changed(path: string): WeftError {
  const why = `somebody else has changed ${path} since it was read, and nothing is written; run the command again, which begins with what is there now`;
  return new WeftError('ca-changed', why, { source: 'config' });
}

function good<T>(value: T | WeftError): T {
  if (value instanceof WeftError) throw value;
  return value;
}

function denied(verb: string, path: string, why: string): WeftError {
  return new WeftError('ca-denied', `this account cannot ${verb} ${path}: ${why}; use one that may`, {
    source: 'config',
  });
}
