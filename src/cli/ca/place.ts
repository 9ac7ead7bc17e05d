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

/** Reads reject with a WeftError that says what to do. */
export interface AuthorityPlace {
  /** For messages: `Secret weft-system/weft-ca`. */
  readonly name: string;
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

/** The Secret that the control plane in `namespace` uses: one of the operator's own where it exists. */
export async function clusterPlace(cluster: Cluster, namespace: string): Promise<AuthorityPlace> {
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  const get = async (path: string): Promise<Readonly<Record<string, unknown>> | undefined> => {
    const answer = await cluster.request({ method: 'GET', path });
    if (answer.status === 404) return undefined;
    if (answer.status === 200)
      return ((answer.body as { data?: unknown }).data ?? {}) as Record<string, unknown>;
    throw denied('read', path, answerMessage(answer));
  };
  const own = await get(`${secrets}/${NAMES.ownAuthority}`);
  const secret = own ? NAMES.ownAuthority : NAMES.authority;
  const path = `${secrets}/${secret}`;
  const revokedPath = `/api/v1/namespaces/${namespace}/configmaps`;
  const change = async (at: string, body: unknown): Promise<boolean> => {
    const contentType = 'application/merge-patch+json';
    const answer = await cluster.request({ method: 'PATCH', path: at, body, contentType });
    if (answer.status === 404) return false;
    if (answer.status !== 200) throw denied('patch', at, answerMessage(answer));
    return true;
  };
  return {
    name: `Secret ${namespace}/${secret}`,
    async read() {
      const data = await get(path);
      if (data) return good(authorityFromSecret(data, `${namespace}/${secret}`));
      const why = `there is no Secret ${namespace}/${secret}: the control plane makes it when it starts; see weft check, or name its namespace with --system-namespace`;
      throw new WeftError('ca-absent', why, { source: 'config' });
    },
    async write(record) {
      // With the version of the stored object a second operator's change would be lost less quietly; both see the same steps.
      if (!(await change(path, { data: patchOfAuthority(record) })))
        throw denied('patch', path, 'it is not there any more');
    },
    async revoked() {
      const data = await get(`${revokedPath}/${NAMES.revoked}`);
      const text = data?.['revoked.json'];
      return good(parseRevocations(typeof text === 'string' ? text : undefined));
    },
    async revoke(list) {
      const data = { 'revoked.json': formatRevocations(list) };
      if (await change(`${revokedPath}/${NAMES.revoked}`, { data })) return;
      const metadata = { name: NAMES.revoked, labels: { 'app.kubernetes.io/part-of': 'weft' } };
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
      const answer = await cluster.request({ method: 'POST', path: revokedPath, body });
      if (answer.status !== 201 && answer.status !== 200)
        throw denied('create', revokedPath, answerMessage(answer));
    },
  };
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
