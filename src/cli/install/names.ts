/** Names of what is installed; the control plane and the commands find it by these. */
export const NAMES = {
  /** Deployment, Service, ServiceAccount, roles, Lease and webhook configuration. */
  injector: 'weft-injector',
  /** ConfigMap with the settings of injection. */
  settings: 'weft-injection',
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
  /** ConfigMap with what was there before the last weft upgrade --apply. */
  before: 'weft-before-upgrade',
  /** Secret with the files that the settings of another issuer name; whoever installs makes it. */
  issuer: 'weft-issuer',
  /** Secret with an intermediate of one's own, read where it exists. */
  ownAuthority: 'cacerts',
} as const;

/** Where the settings are in the container. */
export const SETTINGS_FILE = '/etc/weft/injection.yaml';

/** By this label everything that was installed is found again. */
export { PART_OF } from '../../model/index.ts';

/** What selects the pods of the control plane. Must never change: a Deployment's selector is immutable. */
export const SELECTOR = { 'app.kubernetes.io/name': NAMES.injector } as const;
