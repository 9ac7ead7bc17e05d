// A class of Ingresses that Weft serves: what of it is touched by what, and what its Ingresses come to by themselves.
import type { PathOf } from '../ingress/hosts.ts';
import type { IngressWords } from '../ingress/ingress-dialect.ts';
import type { IngressPath, ReadIngress, ReadIngressClass } from '../ingress/ingress-model.ts';
import { type GatheredHost, type MadeParts, wantedAliases } from './ingress-hosts.ts';
import type { IngressIndex } from './ingress-index.ts';

/** A class of ours with its Ingresses. What one of them touches is made anew, and nothing else. */
export interface ServedClass {
  readonly ingressClass: ReadIngressClass;
  /** By host; '' for what is said of every host. */
  readonly hosts: IngressIndex;
  /** By backend; see placesOf. */
  readonly backends: IngressIndex;
  /** By `namespace/name`. */
  readonly names: IngressIndex;
  /** By host: the other names that it asks for; and the other way round. */
  readonly aliases: Map<string, readonly string[]>;
  readonly aliasedBy: Map<string, Set<string>>;
  /** Whether there are rules for every host, which stand among those of each. */
  hasEvery: boolean;
}

/** What of every host says rules that go before others by their rank alone, whatever host those are of. */
export function everyPaths({
  hosts,
}: ServedClass): readonly { readonly ingress: ReadIngress; readonly path: IngressPath }[] {
  if (!hosts.has('')) return [];
  return hosts
    .of('')
    .flatMap(ingress =>
      ingress.rules.flatMap(({ host, paths }) =>
        host === '' ? paths.flatMap(path => (path.route === undefined ? [] : [{ ingress, path }])) : [],
      ),
    );
}

/** Hosts that are to be made anew. */
export function takeTouchedHosts(served: ServedClass): ReadonlySet<string> {
  const touched = served.hosts.takeTouched();
  if (!touched.has('')) return touched;
  const hadEvery = served.hasEvery;
  served.hasEvery = everyPaths(served).length > 0;
  return hadEvery || served.hasEvery ? new Set([...touched, ...served.hosts.keys()]) : touched;
}

/** What its Ingresses are called in `names`: other kinds may have their names. */
export function servedName({ namespace, name, from }: ReadIngress): string {
  return from.kind === 'Ingress' ? `${namespace}/${name}` : `${from.kind} ${namespace}/${name}`;
}

/** Its name with `www.`, or without. */
export function otherName(host: string): string {
  return host.startsWith('www.') ? host.slice(4) : `www.${host}`;
}

/** Notes which other names the host asks for now, and returns them. */
export function noteAliases(
  { aliases, aliasedBy }: ServedClass,
  host: string,
  gathered: GatheredHost | undefined,
): readonly string[] {
  for (const name of aliases.get(host) ?? []) {
    const users = aliasedBy.get(name);
    users?.delete(host);
    if (users?.size === 0) aliasedBy.delete(name);
  }
  const wanted = gathered === undefined ? [] : wantedAliases(gathered.paths);
  if (wanted.length > 0) aliases.set(host, wanted);
  else aliases.delete(host);
  for (const name of wanted) aliasedBy.set(name, (aliasedBy.get(name) ?? new Set()).add(host));
  return wanted;
}

export function servedPart(
  { namespace, name, from, createdAt }: ReadIngress,
  { gateway, service, stated }: ReadIngressClass,
): MadeParts['parts'] {
  // Others have no status.
  if (from.kind !== 'Ingress') return new Map();
  const policy = { namespace, name, gateway, service, ...(stated && { stated }), from };
  return new Map([['', { kind: 'policy', of: 'servedIngresses', policy, createdAt } as const]]);
}

/** What holds where nothing is served. */
export const NOTHING_SAID: PathOf['settings'] = { edge: {}, retry: {}, traffic: {} };

/** Canaries are ingress-nginx's. Whatever its defaults are, they say nothing of them. */
export function isCanaryOf({ ingressClass }: ServedClass, { settings }: ReadIngress): boolean {
  return ingressClass.dialect === 'ingress-nginx' && settings.canary !== undefined;
}

/** Whether the words are about something that the class serves. */
export function isSpoken({ ingressClass, names }: ServedClass, { dialect, of, key }: IngressWords): boolean {
  return dialect === ingressClass.dialect && (of !== 'ingress' || names.has(key));
}
