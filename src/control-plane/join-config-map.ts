import { formatJoinRecord, type JoinStore, joinRecordsOf } from '../ca/index.ts';
import { WeftError } from '../errors/index.ts';
import { ApiError, type KubeClient, TYPES } from '../kubernetes/index.ts';
import { recordOf } from '../plain/index.ts';

/**
 * The ConfigMap of the system namespace with what is written down of join tokens, one key for each; weft token makes it. No
 * Secret: of 256 random bits a hash tells nothing.
 */
export const JOIN_CONFIG_MAP = 'weft-join-tokens';

/** The store of a cluster: all replicas write the same object, each only as a change of what it has read. */
export function configMapJoinStore(client: KubeClient, namespace: string): JoinStore {
  const write = async (
    version: string,
    id: string,
    text: string | null,
  ): Promise<'written' | 'changed' | WeftError> => {
    const written = await client.patch(TYPES.configMap, namespace, JOIN_CONFIG_MAP, {
      metadata: { resourceVersion: version },
      data: { [id]: text },
    });
    if (!(written instanceof ApiError)) return 'written';
    return written.status === 409 ? 'changed' : unusable(written);
  };
  return {
    async read() {
      const found = await client.get(TYPES.configMap, namespace, JOIN_CONFIG_MAP);
      if (found instanceof ApiError)
        return found.status === 404 ? { version: '', records: new Map() } : unusable(found);
      const data = Object.entries(recordOf(found.data)).map(([id, text]) => [id, String(text)] as const);
      const { records } = joinRecordsOf(new Map(data));
      return { version: String(recordOf(found.metadata).resourceVersion ?? ''), records };
    },
    write: (version, id, record) => write(version, id, formatJoinRecord(record)),
    // In a merge patch null takes a key away.
    remove: (version, id) => write(version, id, null),
  };
}

function unusable(error: ApiError): WeftError {
  const why = `the join tokens in the ConfigMap ${JOIN_CONFIG_MAP} cannot be read or written (${error.message}); try again`;
  return new WeftError('join-store', why, { source: 'internal', cause: error });
}
