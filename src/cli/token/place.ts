// Where join tokens are written down: a ConfigMap of a cluster, or the folder of a control plane without one.
import {
  folderJoinStore,
  formatJoinRecord,
  type JoinRecord,
  type JoinStore,
  joinRecordsOf,
} from '../../ca/index.ts';
import { WeftError } from '../../errors/index.ts';
import { KeptData } from '../ca/place.ts';
import { NAMES } from '../install/names.ts';
import type { Cluster } from '../kubernetes/connect.ts';

/** Reads and writes reject with a WeftError that says what to do. */
export interface JoinPlace {
  read(): Promise<ReadonlyMap<string, JoinRecord>>;
  write(id: string, record: JoinRecord): Promise<void>;
}

/** In the folder of an authority. */
export function folderJoinPlace(caFolder: string): JoinPlace {
  const store: JoinStore = folderJoinStore(caFolder);
  let version = '';
  return {
    async read() {
      const read = await store.read();
      if (read instanceof WeftError) throw read;
      version = read.version;
      return read.records;
    },
    async write(id, record) {
      const written = await store.write(version, id, record);
      if (written instanceof WeftError) throw written;
      if (written === 'changed')
        throw new WeftError('ca-changed', 'the join tokens have changed meanwhile; run the command again', {
          source: 'config',
        });
    },
  };
}

/** In the ConfigMap beside the control plane; made with the first token. */
export function clusterJoinPlace(cluster: Cluster, namespace: string): JoinPlace {
  const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
  const kept = new KeptData(cluster, `${configMaps}/${NAMES.joinTokens}`);
  return {
    async read() {
      const data = Object.entries((await kept.read()) ?? {}).map(([id, text]) => [id, String(text)] as const);
      return joinRecordsOf(new Map(data)).records;
    },
    async write(id, record) {
      const data = { [id]: formatJoinRecord(record) };
      if (!(await kept.write(data))) await kept.create(configMaps, NAMES.joinTokens, data);
    },
  };
}
