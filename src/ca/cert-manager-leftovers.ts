import { WeftError } from '../errors/index.ts';
import { fieldAt, recordOf, recordsOf } from '../plain/index.ts';
import type { CertManagerOptions } from './cert-manager-issuer.ts';

/** Carried by every CertificateRequest that a control plane makes for a certificate of the mesh, and by no other object. */
export const MADE_BY_LABEL = { key: 'weft.dev/made-by', value: 'control-plane' } as const;
/** How the API server names them. */
export const NAME_PREFIX = 'weft-';

/** Nobody follows a request for longer than seconds; the rest is for clocks that differ. */
const leftoverAfterMs = 10 * 60_000;
const pageSize = 500;

/** What removing takes. */
export type LeftoverOptions = Pick<CertManagerOptions, 'request' | 'namespace' | 'issuer' | 'clock'>;

/**
 * Deletes the CertificateRequests that control planes left behind which were killed while they waited, and resolves with how many
 * those were. Only what carries the label, is named as theirs, has no owner, goes to this issuer and is ten minutes old:
 * other replicas follow younger ones. Several replicas may do it at once. An error is `issuer-cleanup`.
 */
export async function removeLeftovers({
  request,
  namespace,
  issuer,
  clock,
}: LeftoverOptions): Promise<number | WeftError> {
  const path = `/apis/cert-manager.io/v1/namespaces/${namespace}/certificaterequests`;
  const selector = encodeURIComponent(`${MADE_BY_LABEL.key}=${MADE_BY_LABEL.value}`);
  const found: string[] = [];
  let next = '';
  do {
    const list = await request({
      method: 'GET',
      path: `${path}?labelSelector=${selector}&limit=${pageSize}${next && `&continue=${encodeURIComponent(next)}`}`,
    });
    if (list.status !== 200) return refusal('list', list);
    for (const item of recordsOf(recordOf(list.body).items)) {
      const name = leftoverName(item, issuer, clock.now());
      if (name !== undefined) found.push(name);
    }
    const token = fieldAt(list.body, 'metadata', 'continue');
    next = typeof token === 'string' ? token : '';
  } while (next !== '');
  let removed = 0;
  for (const name of found) {
    const answer = await request({ method: 'DELETE', path: `${path}/${name}` });
    // 404: another replica was first.
    if (answer.status === 404) continue;
    if (answer.status >= 300) return refusal('delete', answer);
    removed++;
  }
  return removed;
}

/** Its name where it may be deleted. The label is looked at again: an API server in between may not know selectors. */
function leftoverName(item: unknown, issuer: LeftoverOptions['issuer'], nowMs: number): string | undefined {
  const metadata = recordOf(recordOf(item).metadata);
  const to = recordOf(fieldAt(item, 'spec', 'issuerRef'));
  const madeAtMs = Date.parse(String(metadata.creationTimestamp));
  const isOurs =
    recordOf(metadata.labels)[MADE_BY_LABEL.key] === MADE_BY_LABEL.value &&
    recordsOf(metadata.ownerReferences).length === 0 &&
    to.name === issuer.name &&
    to.kind === issuer.kind &&
    to.group === issuer.group;
  const { name } = metadata;
  if (!isOurs || typeof name !== 'string' || !name.startsWith(NAME_PREFIX)) return undefined;
  // Without a date (NaN) it stays.
  return nowMs - madeAtMs >= leftoverAfterMs ? name : undefined;
}

function refusal(
  verb: string,
  { status, body }: { readonly status: number; readonly body: unknown },
): WeftError {
  const said = recordOf(body).message;
  const why = typeof said === 'string' ? said : `status ${status}`;
  const message = `cannot ${verb} the CertificateRequests that were left behind: ${why}; see the Role in docs/certificates.md`;
  return new WeftError('issuer-cleanup', message, { source: 'internal' });
}
