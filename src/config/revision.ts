// Revisions: control planes beside each other, each with objects of its own. Everything that is called after a revision gets its
// name here.

/** What is installed without --revision, and what labels that name no revision mean. */
export const DEFAULT_REVISION = 'default';

/** Names of what belongs to one revision. Everything else is shared by all of them. */
export interface RevisionNames {
  /** Deployment, Service, ServiceAccount, roles, Lease, webhook configuration. */
  readonly injector: string;
  /** ConfigMap with the settings of injection. */
  readonly settings: string;
  /** ConfigMap with what was there before the last weft upgrade --apply. */
  readonly before: string;
  /** Secret with the files that the settings of another issuer name; one for all revisions. */
  readonly issuer: string;
}

const injector = 'weft-injector';

/** The names of a revision; those of the default are as they were before there were others. */
export function revisionNames(revision: string = DEFAULT_REVISION): RevisionNames {
  const own = revisionSuffix(revision);
  return {
    injector: `${injector}${own}`,
    settings: `weft-injection${own}`,
    before: `weft-before-upgrade${own}`,
    issuer: 'weft-issuer',
  };
}

/** What the names of its objects end with; '' of the default. */
export function revisionSuffix(revision: string): string {
  return revision === DEFAULT_REVISION ? '' : `-${revision}`;
}

/** As `weft-injector-REVISION` is the name of a Service and a label: 63 characters. */
const MAX_LENGTH = 63 - injector.length - 1;

/** What isRevisionName takes, for messages. */
export const REVISION_NAME = `a DNS label of up to ${MAX_LENGTH} characters (a-z, 0-9, -), such as canary or 1-2-0, that does not end with gateways, certificates, secrets, acme or machines`;

/**
 * Whether a revision or a tag may be called so. Not what a Role of the control plane's own would be called by:
 * weft-injector-gateways, weft-injector-certificates, and so on.
 */
export function isRevisionName(name: string): boolean {
  return (
    name.length <= MAX_LENGTH &&
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name) &&
    !/(^|-)(gateways|certificates|secrets|acme|machines)$/.test(name)
  );
}

/** The revision whose control plane is called so (a Deployment, Service, ServiceAccount); undefined for other names. */
export function revisionOfInjector(name: string): string | undefined {
  if (name === injector) return DEFAULT_REVISION;
  const own = name.startsWith(`${injector}-`) ? name.slice(injector.length + 1) : '';
  return isRevisionName(own) && own !== DEFAULT_REVISION ? own : undefined;
}

/** The webhook configuration by which pods choose a tag. */
export function tagName(tag: string): string {
  return tag === DEFAULT_REVISION ? injector : `weft-tag-${tag}`;
}
