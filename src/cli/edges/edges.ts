// From what proxies counted to who calls whom.
import type { MeshPod } from '../proxies/index.ts';
import { type Growth, growth, keyOf, type Scrapes } from '../stat/scrape.ts';

/** One pair, as `-o json` prints it. */
export interface Edge {
  /** `namespace/workload`; `unknown` where nobody proved who it is. */
  readonly source: string;
  /** `namespace/workload`, or the name of what is no workload of the mesh. */
  readonly destination: string;
  readonly requestsPerSecond: number;
  /** Open now. */
  readonly tcpConnections: number;
  /** 0 to 1: of requests; where there were none, of open TCP connections. Left out without either. */
  readonly mutualTls?: number;
  /** SPIFFE ids that certificates proved. */
  readonly clientIdentities: readonly string[];
  readonly serverIdentities: readonly string[];
  /** Whose proxy counted it. */
  readonly reporter: 'source' | 'destination';
}

/** Everything that `weft edges` tells. */
export interface EdgeTable {
  readonly edges: readonly Edge[];
  /** Pods without figures, and why. */
  readonly troubles: readonly { readonly pod: string; readonly message: string }[];
}

class Sum {
  readonly clients = new Set<string>();
  readonly servers = new Set<string>();
  requests = 0;
  secured = 0;
  open = 0;
  openSecured = 0;

  add({ name, labels, value, rate }: Growth): void {
    const secured = labels.connection_security_policy === 'mutual_tls';
    if (name === 'istio_requests_total') {
      this.requests += rate;
      if (secured) this.secured += rate;
    } else {
      const change = name === 'istio_tcp_connections_opened_total' ? value : -value;
      this.open += change;
      if (secured) this.openSecured += change;
    }
    if (isKnown(labels.source_principal)) this.clients.add(labels.source_principal);
    if (isKnown(labels.destination_principal)) this.servers.add(labels.destination_principal);
  }

  get mutualTls(): number | undefined {
    if (this.requests > 0) return this.secured / this.requests;
    return this.open > 0 ? this.openSecured / this.open : undefined;
  }
}

const counted = /^istio_(?:requests_total|tcp_connections_(?:opened|closed)_total)$/;

/** The pairs, by name. What both sides counted is the callee's. */
export function edgesOf(pods: readonly MeshPod[], before: Scrapes, after: Scrapes): EdgeTable {
  const sums = new Map<
    string,
    { readonly ends: readonly [string, string]; destination?: Sum; source?: Sum }
  >();
  const troubles: { pod: string; message: string }[] = [];
  for (const pod of pods) {
    const grown = growth(before.get(keyOf(pod)), after.get(keyOf(pod)));
    if (typeof grown === 'string') {
      troubles.push({ pod: keyOf(pod), message: grown });
      continue;
    }
    for (const each of grown) {
      const { reporter } = each.labels;
      if (!counted.test(each.name) || (reporter !== 'source' && reporter !== 'destination')) continue;
      const ends = endsOf(each.labels);
      const key = ends.join(' ');
      const pair = sums.get(key) ?? { ends };
      sums.set(key, pair);
      pair[reporter] ??= new Sum();
      pair[reporter].add(each);
    }
  }
  const edges = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => edgeOf(pair));
  return { edges, troubles };
}

function edgeOf(pair: { readonly ends: readonly [string, string]; destination?: Sum; source?: Sum }): Edge {
  const sum = (pair.destination ?? pair.source)!;
  const { mutualTls } = sum;
  return {
    source: pair.ends[0],
    destination: pair.ends[1],
    requestsPerSecond: sum.requests,
    tcpConnections: Math.max(0, sum.open),
    ...(mutualTls !== undefined && { mutualTls }),
    clientIdentities: [...sum.clients].sort(),
    serverIdentities: [...sum.servers].sort(),
    reporter: pair.destination ? 'destination' : 'source',
  };
}

function endsOf(labels: Growth['labels']): readonly [string, string] {
  const source = workload(labels.source_workload_namespace, labels.source_workload);
  const destination = workload(labels.destination_workload_namespace, labels.destination_workload);
  return [source ?? 'unknown', destination ?? labels.destination_service_name ?? 'unknown'];
}

function workload(namespace: string | undefined, name: string | undefined): string | undefined {
  if (!isKnown(name)) return undefined;
  return isKnown(namespace) ? `${namespace}/${name}` : name;
}

function isKnown(text: string | undefined): text is string {
  return text !== undefined && text !== '' && text !== 'unknown';
}
