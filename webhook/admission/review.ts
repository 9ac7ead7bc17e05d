// AdmissionReview, the envelope in which the API server asks and is answered (admission.k8s.io/v1, and v1beta1, whose fields
// are the same). In: text that anybody may have sent. Out: a request that can be relied on, or what is wrong with it.
import type { PatchOperation } from '../inject/index.ts';
import { isMap } from '../inject/pod.ts';

/** A question of the API server. */
export interface AdmissionRequest {
  /** Of the envelope; the answer bears the same. */
  readonly apiVersion: string;
  readonly uid: string;
  readonly operation: string;
  /** `Pod`, or `apps/Deployment`. */
  readonly kind: string;
  readonly subResource: string;
  readonly namespace: string;
  /** Empty where the server makes the name up, from generateName. */
  readonly name: string;
  readonly dryRun: boolean;
  readonly object: unknown;
}

/** An answer to it. */
export interface AdmissionAnswer {
  readonly allowed: boolean;
  readonly patch?: readonly PatchOperation[];
  /** Shown by kubectl (Kubernetes 1.19 and newer). */
  readonly warnings?: readonly string[];
  /** Why it is not allowed. */
  readonly denial?: string;
}

const versions = ['admission.k8s.io/v1', 'admission.k8s.io/v1beta1'];

/** Reads the body of a call; `error` says what is wrong in the words of an HTTP 400. */
export function readReview(text: string): { request: AdmissionRequest } | { error: string } {
  let review: unknown;
  try {
    review = JSON.parse(text);
  } catch {
    return { error: 'the body is not JSON; send an AdmissionReview' };
  }
  if (!isMap(review) || review.kind !== 'AdmissionReview') {
    return { error: 'the body is not an AdmissionReview; only the API server has business here' };
  }
  const { apiVersion, request } = review;
  if (typeof apiVersion !== 'string' || !versions.includes(apiVersion)) {
    return {
      error: `apiVersion ${JSON.stringify(apiVersion)} is not answered; send ${versions.join(' or ')}`,
    };
  }
  if (!isMap(request) || typeof request.uid !== 'string' || request.uid === '') {
    return { error: 'the AdmissionReview has no request with a uid' };
  }
  const { uid, operation, kind, subResource, namespace, name, dryRun, object } = request;
  return {
    request: {
      apiVersion,
      uid,
      operation: textOf(operation),
      kind: kindOf(kind),
      subResource: textOf(subResource),
      namespace: textOf(namespace),
      name: textOf(name),
      dryRun: dryRun === true,
      object,
    },
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function kindOf(kind: unknown): string {
  if (!isMap(kind)) return '';
  const group = textOf(kind.group);
  return group === '' ? textOf(kind.kind) : `${group}/${textOf(kind.kind)}`;
}

/** The envelope with the answer. */
export function writeReview({ apiVersion, uid }: AdmissionRequest, answer: AdmissionAnswer): object {
  const { allowed, patch = [], warnings = [], denial } = answer;
  return {
    apiVersion,
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed,
      ...(patch.length > 0
        ? { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
        : {}),
      ...(warnings.length > 0 ? { warnings: fit(warnings) } : {}),
      ...(denial === undefined
        ? {}
        : { status: { status: 'Failure', reason: 'Invalid', code: 422, message: denial } }),
    },
  };
}

/** Servers cut warnings at 256 characters each and 4096 in all; better to end with a mark that it goes on. */
function fit(warnings: readonly string[]): string[] {
  return warnings.slice(0, 16).map(text => (text.length > 255 ? `${text.slice(0, 252)}...` : text));
}
