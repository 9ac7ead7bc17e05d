// What makes a machine ask its proxy for names. Pure: what is there → what is to be there.

/** What is on a machine. */
export interface ResolverFacts {
  /** /etc/resolv.conf; '' where there is none. */
  readonly resolvConf: string;
  /** What was kept of it when the proxy's was written; undefined where nothing was. */
  readonly kept: string | undefined;
  /** Whether systemd-resolved runs here. */
  readonly hasResolved: boolean;
}

/** What is asked for. */
export interface ResolverWish {
  /** Where the proxy answers. */
  readonly address: string;
  /** Of the machine, in which short names are looked for first. */
  readonly namespace: string;
  readonly clusterDomain: string;
}

/** What is to be done. */
export type ResolverPlan =
  /** systemd-resolved asks the proxy for everything: a file, and a reload. */
  | { readonly kind: 'resolved'; readonly dropIn: string }
  /** resolv.conf names the proxy first; `keep` says that what is there now is the machine's own and is kept. */
  | { readonly kind: 'resolv-conf'; readonly text: string; readonly keep: boolean };

export const RESOLV_CONF = '/etc/resolv.conf';
export const KEPT_RESOLV_CONF = '/etc/resolv.conf.before-weft';
export const RESOLVED_DROP_IN = '/etc/systemd/resolved.conf.d/weft.conf';
const MARK = '# written by weft machine dns';
const STUB = /^\s*nameserver\s+127\.0\.0\.5[34]\b/m;
/** The C library looks at no more. */
const MOST_SERVERS = 3;

/** Whether the file is one that was written by a plan. */
export function isOurs(resolvConf: string): boolean {
  return resolvConf.startsWith(MARK);
}

/** What makes the machine ask the proxy. */
export function resolverPlan(facts: ResolverFacts, wish: ResolverWish): ResolverPlan {
  const search = searchList(wish);
  if (facts.hasResolved && STUB.test(facts.resolvConf)) {
    const lines = [MARK, '[Resolve]', `DNS=${wish.address}`, `Domains=${search.join(' ')} ~.`];
    return { kind: 'resolved', dropIn: `${lines.join('\n')}\n` };
  }
  const ours = isOurs(facts.resolvConf);
  const own = (ours ? (facts.kept ?? '') : facts.resolvConf).split('\n');
  const words = own.map(line =>
    line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/),
  );
  const of = (keyword: string): string[][] => words.filter(([first]) => first === keyword);
  const servers = of('nameserver').flatMap(([, server]) => server ?? []);
  const searched = of('search').at(-1)?.slice(1) ?? of('domain').at(-1)?.slice(1) ?? [];
  // The machine's own stay behind the proxy's, for the moment in which that is not there.
  const text = [
    `${MARK}; what was there is in ${KEPT_RESOLV_CONF}, and weft machine dns --undo brings it back`,
    ...[wish.address, ...servers.filter(each => each !== wish.address)]
      .slice(0, MOST_SERVERS)
      .map(each => `nameserver ${each}`),
    `search ${[...new Set([...search, ...searched])].join(' ')}`,
    ...of('options').map(line => line.join(' ')),
  ];
  return { kind: 'resolv-conf', text: `${text.join('\n')}\n`, keep: !ours };
}

/** As a pod's: `billing` and `billing.vm` find what they find there. */
function searchList({ namespace, clusterDomain }: ResolverWish): readonly string[] {
  return [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
}
