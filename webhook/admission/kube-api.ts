// The Kubernetes API as narrowly as this room needs it, so that it knows no client library: main/ and cli/ bring one.

/** One call. `path` begins with /api or /apis and is encoded already. */
export interface KubeCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** `application/json` unless told; a PATCH says which kind of patch it is. */
  readonly contentType?: string;
  /** `application/json` unless told. */
  readonly accept?: string;
  readonly timeoutMs?: number;
}

/** What the server answered, whatever the status; `body` is parsed JSON, or text where it is none. */
export interface KubeAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Calls the API server. Resolves with every answer of it, refusals too; rejects with a WeftError when nobody answered. */
export interface KubeApi {
  request(call: KubeCall): Promise<KubeAnswer>;
}

/** Asks for the metadata of an object alone (server 1.15 or newer; older ones send all of it). */
export const METADATA_ONLY =
  'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;q=0.9';

/** The `message` of a Status that the server answered with, or what else there is to say. */
export function answerMessage({ status, body }: KubeAnswer): string {
  const message = typeof body === 'object' && body !== null ? (body as { message?: unknown }).message : body;
  return typeof message === 'string' && message !== '' ? `${message} (${status})` : `status ${status}`;
}

/** What KubeClient of src/kubernetes offers: answers and errors as values, status 0 when there was no answer. */
export interface KubeClientLike {
  call(
    call: KubeCall,
  ): Promise<
    Readonly<Record<string, unknown>> | (Error & { readonly status: number; readonly reason: string })
  >;
}

/** A KubeApi by way of the client that a process has. */
export function kubeApiOf(client: KubeClientLike): KubeApi {
  return {
    async request(call) {
      const answer = await client.call(call);
      if (!(answer instanceof Error)) return { status: 200, body: answer };
      const { status, reason, message } = answer as Error & { status: number; reason: string };
      if (status === 0) throw answer;
      return { status, body: { kind: 'Status', status: 'Failure', reason, message, code: status } };
    },
  };
}
