// Who signs certificates now. What the control plane says counts: the Secret of its own key may be there from before.
import { answerMessage } from '../../../webhook/index.ts';
import { type AuthorityExpiry, fingerprintsOf } from '../../ca/index.ts';
import { DEFAULT_REVISION, PORTS, revisionNames } from '../../config/index.ts';
import { parseIssuerSettings } from '../../config/issuer-settings.ts';
import { WeftError } from '../../errors/index.ts';
import type { Problem } from '../../model/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';
import { NAMES } from '../install/names.ts';
import type { Cluster } from '../kubernetes/connect.ts';

/** What a control plane tells of the authority that it uses. */
export interface InForce {
  /** For people: `own`, `Vault at …`, `cert-manager's …`. */
  readonly issuer: string;
  /** Whether its key is somebody else's (--issuer). */
  readonly isElsewhere: boolean;
  /** Fingerprint of the root that certificates are issued under; '' where nobody knows. */
  readonly issuerRoot: string;
  /** Fingerprints of all that are trusted. */
  readonly roots: readonly string[];
  readonly distrusted: readonly string[];
  readonly expiries: readonly AuthorityExpiry[];
  readonly problems: readonly Pick<Problem, 'severity' | 'code' | 'message'>[];
}

/**
 * Asks the control plane of the revision, and where it does not answer, reads with which issuer it was installed. Undefined where
 * neither says anything: then it is as if there were no --issuer.
 */
export async function authorityInForce(
  cluster: Cluster,
  namespace: string,
  revision: string = DEFAULT_REVISION,
): Promise<InForce | undefined> {
  const names = revisionNames(revision);
  const service = `${names.injector}:${PORTS.controlPlaneMetrics}`;
  const path = `/api/v1/namespaces/${namespace}/services/${service}/proxy/debug/authority`;
  const answer = await cluster.request({ method: 'GET', path, timeoutMs: 5_000 });
  // An older one tells but when certificates run out.
  const said = answer.status === 200 ? readInForce(answer.body) : undefined;
  if (said !== undefined) return said;
  const settings = await cluster.request({
    method: 'GET',
    path: `/api/v1/namespaces/${namespace}/configmaps/${names.settings}`,
  });
  const text = recordOf(recordOf(settings.body).data)['issuer.yaml'];
  if (settings.status !== 200 || typeof text !== 'string') return undefined;
  const why = answer.status === 200 ? 'it is of an older version' : answerMessage(answer);
  const message = `the control plane could not be asked how its issuer is: ${why}; see weft check, and its log: kubectl logs -n ${namespace} deploy/${names.injector}`;
  return {
    ...{ issuer: installedIssuer(text), isElsewhere: true, issuerRoot: '', roots: [], distrusted: [] },
    ...{ expiries: [], problems: [{ severity: 'error', code: 'issuer-unasked', message }] },
  };
}

/** What `/debug/authority` answers; undefined where it does not say who signs. */
export function readInForce(body: unknown): InForce | undefined {
  const said = recordOf(body);
  const { issuer, isElsewhere, issuerRoot } = said;
  if (typeof issuer !== 'string' || typeof isElsewhere !== 'boolean') return undefined;
  return {
    ...{ issuer, isElsewhere, issuerRoot: typeof issuerRoot === 'string' ? issuerRoot : '' },
    roots: textsOf(said.roots),
    distrusted: textsOf(said.distrusted),
    expiries: recordsOf(said.expiries) as unknown as readonly AuthorityExpiry[],
    problems: recordsOf(said.problems) as unknown as InForce['problems'],
  };
}

/** Why the command cannot have its way, and where it is done instead. */
export function signsElsewhere({ issuer }: InForce): WeftError {
  const why = `${issuer} signs here (--issuer), and the control plane has no key to rotate or to issue with; do it there: weft ca status shows when every proxy trusts a new root. weft upgrade --issuer none goes back to a key of Weft's own`;
  return new WeftError('issuer-elsewhere', why, { source: 'config' });
}

/** What differs between the Secret and what the control plane does: it could not use the Secret, or has not seen it yet. */
export function notInForce(
  inForce: InForce | undefined,
  where: string,
  wanted: { readonly issuerRoot: string; readonly roots: readonly string[] },
): InForce['problems'] {
  if (inForce === undefined || inForce.issuerRoot === '' || inForce.issuerRoot === wanted.issuerRoot)
    return [];
  const [now, then] = [inForce.issuerRoot, wanted.issuerRoot].map(each => each.slice(0, 16));
  const known = fingerprintsOf(wanted.roots).includes(inForce.issuerRoot);
  const message = `the control plane issues under the root ${now}, and not under ${then} of ${where}: ${known ? 'it changes within seconds' : 'it cannot use what is there'}; see weft check when this stays`;
  return [{ severity: 'warning', code: 'ca-not-in-force', message }];
}

function installedIssuer(text: string): string {
  const settings = parseIssuerSettings(text, NAMES.settings);
  if (settings instanceof WeftError) return 'another issuer';
  if (settings.kind === 'vault') return `Vault at ${settings.address}`;
  return `cert-manager's ${settings.issuer.kind} ${settings.issuer.name}`;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : [];
}
