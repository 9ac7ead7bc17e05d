import type { WeftError } from '../errors/index.ts';
import { ApiError, type ApiObject, type KubeClient, TYPES } from '../kubernetes/index.ts';
import { recordOf, stringsOf } from '../plain/index.ts';

/** A Secret of the cluster as who writes it needs it. */
export interface ClusterSecret {
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
  readonly version: string;
}

/** Secrets of the cluster, read and written one by one. What somebody else has written meanwhile is not overwritten. */
export class ClusterSecrets {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async read(namespace: string, name: string): Promise<ClusterSecret | WeftError | undefined> {
    const found = await this.#client.get(TYPES.secret, namespace, name);
    if (found instanceof ApiError)
      return found.status === 404 ? undefined : explained(found, 'get', namespace);
    const { labels, annotations, resourceVersion } = recordOf(found.metadata);
    const data = Object.entries(stringsOf(found.data));
    return {
      type: typeof found.type === 'string' ? found.type : '',
      labels: stringsOf(labels),
      annotations: stringsOf(annotations),
      data: Object.fromEntries(
        data.map(([key, text]) => [key, Buffer.from(text, 'base64').toString('utf8')]),
      ),
      version: String(resourceVersion ?? ''),
    };
  }

  async write(
    namespace: string,
    name: string,
    { type, labels, annotations, data }: Omit<ClusterSecret, 'version'>,
    before: string | undefined,
  ): Promise<WeftError | undefined> {
    const body = {
      ...{ apiVersion: 'v1', kind: 'Secret', type },
      metadata: {
        name,
        namespace,
        labels,
        annotations,
        ...(before !== undefined && { resourceVersion: before }),
      },
      data: Object.fromEntries(
        Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
      ),
    };
    const written: ApiObject | ApiError =
      before === undefined
        ? await this.#client.create(TYPES.secret, namespace, body)
        : await this.#client.replace(TYPES.secret, namespace, name, body);
    if (!(written instanceof ApiError)) return undefined;
    return explained(written, before === undefined ? 'create' : 'update', namespace);
  }

  async remove(namespace: string, name: string): Promise<WeftError | undefined> {
    const gone = await this.#client.delete(TYPES.secret, namespace, name);
    return gone instanceof ApiError && gone.status !== 404 ? explained(gone, 'delete', namespace) : undefined;
  }
}

function explained(error: ApiError, verb: string, namespace: string): WeftError {
  if (error.status !== 403) return error;
  const remedy = `allow ${verb} of Secrets in namespace ${namespace} to weft-injector, as 'weft install --certificate-namespaces ${namespace}' has it (docs/acme.md)`;
  return new ApiError(error.code, `${error.message}; ${remedy}`, error, error);
}
