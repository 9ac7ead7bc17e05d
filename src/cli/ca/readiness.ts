// Whether a rotation may take its next step: what every proxy trusts and is certified under. Pure but for asking.
import { type AuthorityRecord, fingerprintsOf, leavingRoots, rootOfChain, stageOf } from '../../ca/index.ts';
import { PORTS } from '../../config/index.ts';
import { askAll, type Mesh, type MeshPod, readExposition } from '../proxies/index.ts';

/** What one proxy tells of its identity. */
export interface ProxyIdentity {
  /** `namespace/pod` */
  readonly pod: string;
  /** Fingerprints; empty where it does not tell. */
  readonly trusts: readonly string[];
  /** Fingerprint of the root of its own certificate; '' where it has none or does not tell. */
  readonly root: string;
  readonly expiresSeconds?: number;
  /** Why nothing is known of it. */
  readonly trouble?: string;
}

const wanted = new Set([
  'weft_trusted_root_info',
  'weft_certificate_root_info',
  'weft_certificate_expires_seconds',
]);

/** Asks every proxy. */
export async function proxyIdentities(
  mesh: Mesh,
  pods: readonly MeshPod[],
): Promise<readonly ProxyIdentity[]> {
  const answers = await askAll(mesh, pods, PORTS.health, '/stats/prometheus');
  return pods.map(({ namespace, name }, at) => {
    const pod = `${namespace}/${name}`;
    const answer = answers[at]!;
    return 'trouble' in answer
      ? { pod, trusts: [], root: '', trouble: answer.trouble }
      : { pod, ...readIdentity(answer.text) };
  });
}

/** What a proxy's metrics say. */
export function readIdentity(text: string): Omit<ProxyIdentity, 'pod'> {
  const samples = readExposition(text, name => wanted.has(name));
  const named = (name: string): string[] =>
    samples.flatMap(each => (each.name === name ? (each.labels.fingerprint ?? []) : []));
  const trusts = named('weft_trusted_root_info');
  const expires = samples.find(each => each.name === 'weft_certificate_expires_seconds')?.value;
  const known = expires === undefined ? {} : { expiresSeconds: expires };
  const trouble = trusts.length === 0 ? { trouble: 'it tells of no roots: is it of an older version?' } : {};
  return { trusts, root: named('weft_certificate_root_info')[0] ?? '', ...known, ...trouble };
}

/** The proxies for which the next step is too early, each with the reason. */
export function notReady(
  record: AuthorityRecord,
  proxies: readonly ProxyIdentity[],
): readonly { readonly pod: string; readonly why: string }[] {
  const stage = stageOf(record);
  if (stage === 'settled') return [];
  const needed = stage === 'announced' ? fingerprintsOf(record.next!.roots) : [rootOfChain(record.parts)];
  const leaving = leavingRoots(record);
  return proxies.flatMap(({ pod, trusts, root, trouble }) => {
    if (trouble !== undefined) return [{ pod, why: `it could not be asked: ${trouble}` }];
    if (needed.some(each => !trusts.includes(each)))
      return [{ pod, why: 'it does not trust the new root yet' }];
    if (stage === 'issuing' && (root === '' || leaving.includes(root)))
      return [{ pod, why: 'its certificate leads to the old root still' }];
    return [];
  });
}
