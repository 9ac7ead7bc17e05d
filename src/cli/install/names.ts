import { DEFAULT_REVISION, revisionNames, revisionOfInjector } from '../../config/index.ts';
import { PART_OF } from '../../model/index.ts';

/** Names of what is installed; the control plane and the commands find it by these. */
export const NAMES = {
  /** Of the revision that is installed without --revision; revisionNames has those of others. */
  ...revisionNames(DEFAULT_REVISION),
  /** ConfigMap with the roots, in every meshed namespace; written by the control plane. */
  trust: 'weft-trust',
  /** ClusterRoles for people who ask running proxies: live requests, figures alone. */
  tap: 'weft-tap',
  viewer: 'weft-viewer',
  /** The same for people who upgrade proxies without restarts. */
  upgrade: 'weft-upgrade',
  /** Role in the namespace of the control plane: the way to its live API. */
  reach: 'weft-live',
  /** Secret with the root of the control plane's own making. */
  authority: 'weft-ca',
  /** ConfigMap with what is revoked; weft ca revoke makes it. */
  revoked: 'weft-revoked',
  /** ConfigMap with what is written down of join tokens; weft token makes it. */
  joinTokens: 'weft-join-tokens',
  /** Secret with an intermediate of one's own, read where it exists. */
  ownAuthority: 'cacerts',
} as const;

/** Where the settings are in the container. */
export const SETTINGS_FILE = '/etc/weft/injection.yaml';

/** By this label everything that was installed is found again. */
export { PART_OF };

/** By this label pods of a control plane say of which revision they are. */
const NAME = 'app.kubernetes.io/name';

/** What selects the pods of a revision of the control plane. Must never change: a Deployment's selector is immutable. */
export function selectorOf(revision: string): Readonly<Record<string, string>> {
  return { [NAME]: revisionNames(revision).injector };
}

/** What selects the pods of all revisions, with some others of Weft's: see revisionOfPod. */
export const CONTROL_PLANES = Object.entries(PART_OF)
  .map(([key, value]) => `${key}=${value}`)
  .join(',');

/** The revision of a pod of the control plane by its labels; undefined for any other pod. */
export function revisionOfPod(labels: Readonly<Record<string, string>>): string | undefined {
  return revisionOfInjector(labels[NAME] ?? '');
}
