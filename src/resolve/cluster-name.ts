import { formatAddress, type HostPort, isIpAddress, parseHostPort } from '../model/index.ts';

/** What is to be told apart of clusters of one port. */
interface Secured {
  /** `namespace/name` of the gateway that speaks TLS of its own with these endpoints, whether they are of the mesh or not. */
  readonly securedBy?: string;
  /** It is the Service's port of UDP. */
  readonly datagrams?: true;
}

/** What a cluster's name says; see ClusterConfig.name. */
export type ClusterName =
  /** Every endpoint of a Service's port. */
  | ({ readonly kind: 'service'; readonly host: string; readonly port: number } & Secured)
  /** A Subset of them. */
  | ({
      readonly kind: 'subset';
      readonly host: string;
      readonly port: number;
      readonly subset: string;
    } & Secured)
  /** One address, called directly, that stands behind a Service's port. */
  | { readonly kind: 'backing'; readonly host: string; readonly port: number; readonly direct: HostPort }
  /** One address of no Service. */
  | { readonly kind: 'direct'; readonly direct: HostPort };

/**
 * `reviews.shop.svc.cluster.local:80`, with `/v1` or `/10.244.0.7:8080` for a subset or one address; `10.244.0.7:8080` of none.
 * `@shop/edge` at the end for that gateway's own TLS, `@udp` for datagrams.
 */
export function formatClusterName(name: ClusterName): string {
  if (name.kind === 'direct') return formatAddress(name.direct.host, name.direct.port);
  const service = formatAddress(name.host, name.port);
  if (name.kind === 'service') return service + endOf(name);
  if (name.kind === 'subset') return `${service}/${name.subset}${endOf(name)}`;
  return `${service}/${formatAddress(name.direct.host, name.direct.port)}`;
}

function endOf({ securedBy, datagrams }: Secured): string {
  if (datagrams) return '@udp';
  return securedBy === undefined ? '' : `@${securedBy}`;
}

/** The other way; undefined for what formatClusterName does not write. */
export function parseClusterName(text: string): ClusterName | undefined {
  const at = text.lastIndexOf('@');
  if (at < 0) return parsePlain(text);
  const [plain, securedBy] = [parsePlain(text.slice(0, at)), text.slice(at + 1)];
  const isKnown = plain?.kind === 'service' || plain?.kind === 'subset';
  if (isKnown && securedBy === 'udp') return { ...plain, datagrams: true };
  return isKnown && /^[^/@]+\/[^/@]+$/.test(securedBy) ? { ...plain, securedBy } : undefined;
}

function parsePlain(text: string): ClusterName | undefined {
  const slash = text.indexOf('/');
  const first = parseHostPort(slash < 0 ? text : text.slice(0, slash));
  if (!first) return undefined;
  if (slash < 0) {
    return isIpAddress(first.host) ? { kind: 'direct', direct: first } : { kind: 'service', ...first };
  }
  const rest = text.slice(slash + 1);
  const direct = parseHostPort(rest);
  if (direct && isIpAddress(direct.host)) return { kind: 'backing', ...first, direct };
  return /^[A-Za-z0-9._-]+$/.test(rest) ? { kind: 'subset', ...first, subset: rest } : undefined;
}
