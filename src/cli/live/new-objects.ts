// What the dashboard's forms make, created in the cluster by whoever runs `weft dashboard`: with their own rights, from here, so
// that the control plane needs none and goes on only reading.
import { ApiError, collectionPath, type KubeClient, type ResourceType } from '../../kubernetes/index.ts';
import { parseFile } from '../../source/index.ts';

/** What was asked of the relay, answered: the objects that are there now, or what is wrong and what to do. */
export interface CreatedObjects {
  readonly status: number;
  readonly body:
    | { readonly created: readonly string[] }
    | { readonly code: string; readonly error: string; readonly created: readonly string[] };
}

/** The kinds that forms make, and no others: by apiVersion and kind. */
const KINDS: Readonly<Record<string, ResourceType>> = {
  'security.istio.io/v1 AuthorizationPolicy': {
    group: 'security.istio.io',
    version: 'v1',
    kind: 'AuthorizationPolicy',
    plural: 'authorizationpolicies',
    namespaced: true,
  },
  'consul.hashicorp.com/v1alpha1 ServiceIntentions': {
    group: 'consul.hashicorp.com',
    version: 'v1alpha1',
    kind: 'ServiceIntentions',
    plural: 'serviceintentions',
    namespaced: true,
  },
};

/** A form makes two at most. */
const maxObjects = 8;

/**
 * Creates the objects of the YAML, in their order; what exists is never changed. All of them are tried without effect first, so
 * that nothing is created where one is refused.
 */
export async function createObjects(client: Pick<KubeClient, 'call'>, yaml: string): Promise<CreatedObjects> {
  const { objects, problems } = parseFile(yaml, 'what was sent');
  const [problem] = problems;
  if (problem !== undefined) return refusal(400, problem.code, problem.message);
  if (objects.length === 0 || objects.length > maxObjects)
    return refusal(400, 'form-objects', `${objects.length} objects came; send 1 to ${maxObjects}`);
  const calls = [];
  for (const { object } of objects) {
    const type = KINDS[`${object.apiVersion} ${object.kind}`];
    const { name, namespace = '' } = object.metadata;
    if (type === undefined) {
      const error = `${object.kind} ${name}: only AuthorizationPolicies (security.istio.io/v1) and ServiceIntentions (consul.hashicorp.com/v1alpha1) are created here; use kubectl apply`;
      return refusal(403, 'form-objects', error);
    }
    const words = `${type.kind} ${name}.${namespace}`;
    const path = collectionPath(type, namespace);
    calls.push({ words, call: { method: 'POST' as const, path, body: object } });
  }
  for (const { words, call } of calls) {
    const tried = await client.call({ ...call, query: { dryRun: 'All' } });
    if (tried instanceof ApiError) return failed(words, tried, []);
  }
  const created: string[] = [];
  for (const { words, call } of calls) {
    const made = await client.call(call);
    if (made instanceof ApiError) return failed(words, made, created);
    created.push(words);
  }
  return { status: 201, body: { created } };
}

function failed(
  words: string,
  { status, code, message }: ApiError,
  created: readonly string[],
): CreatedObjects {
  const why = {
    403: `your account may not create it (${message})`,
    404: `the cluster does not know this kind (${message}); install its definition, or write the other one`,
    409: 'it exists already; look at it with kubectl get -o yaml, and change or delete it there',
  }[status];
  return refusal(status === 0 ? 502 : status, code, `${words}: ${why ?? message}`, created);
}

function refusal(
  status: number,
  code: string,
  error: string,
  created: readonly string[] = [],
): CreatedObjects {
  return { status, body: { code, error, created } };
}
