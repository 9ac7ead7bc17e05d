import { ApiError, type ApiObject, type KubeClient, type ResourceType } from '../kubernetes/index.ts';

/** Where objects of one kind and version have their status; a string says why they have none. */
export type StatusPlace = ResourceType | string;

/** How the server serves the kinds whose statuses are written, asked once each until `forget`. */
export class StatusPlaces {
  readonly #client: KubeClient;
  readonly #places = new Map<string, StatusPlace>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** ApiError where the server could not be asked. */
  async of(apiVersion: string, kind: string): Promise<StatusPlace | ApiError> {
    const id = `${apiVersion} ${kind}`;
    const known = this.#places.get(id);
    if (known !== undefined) return known;
    const answer = await this.#client.call({ path: `/apis/${apiVersion}` });
    if (answer instanceof ApiError && answer.status !== 404) return answer;
    const place = readPlace(answer instanceof ApiError ? {} : answer, apiVersion, kind);
    this.#places.set(id, place);
    return place;
  }

  forget(): void {
    this.#places.clear();
  }
}

/** Of an APIResourceList. */
function readPlace({ resources }: ApiObject, apiVersion: string, kind: string): StatusPlace {
  const all = (Array.isArray(resources) ? resources : []) as readonly Record<string, unknown>[];
  const found = all.find(each => each.kind === kind && !String(each.name).includes('/'));
  if (!found) return `the server has no ${kind} of ${apiVersion} any more`;
  const plural = String(found.name);
  const [group = '', version = ''] = apiVersion.split('/');
  if (!all.some(each => each.name === `${plural}/status`))
    return `the CustomResourceDefinition ${plural}.${group} has no status subresource in ${version}; install a newer one to see in objects what became of them`;
  return { group, version, kind, plural, namespaced: found.namespaced === true };
}
