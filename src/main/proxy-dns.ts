// DNS on a machine outside of the cluster: names of the mesh are answered by what discovery says, all others by the machine's own
// servers. Loaded only where `--dns` asks for it.
import { join } from 'node:path';
import type { ProxyConfig } from '../config/proxy-config.ts';
import {
  DnsListener,
  Forwarder,
  MachineResolvers,
  MeshNames,
  Responder,
  RoutedAddresses,
  readVirtualRange,
  VirtualAddresses,
} from '../dns/index.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import { formatAddress, type Resource } from '../model/index.ts';
import type { Exposition, Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import { serversFor } from '../upstreams/names-only.ts';
import type { Discovery } from './proxy-discovery.ts';

/** What it is made of. */
export interface ProxyDnsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly discovery: () => Pick<Discovery, 'want' | 'forget' | 'status'>;
}

/** Answers DNS for as long as the process lives; `start` begins. */
export class ProxyDns {
  readonly #config: NonNullable<ProxyConfig['dns']>;
  readonly #log: Log;
  readonly #names: MeshNames;
  readonly #virtual: VirtualAddresses | undefined;
  readonly #responder: Responder;
  readonly #listener: DnsListener;

  constructor(config: ProxyConfig, { clock, log, discovery }: ProxyDnsOptions) {
    this.#config = config.dns!;
    this.#log = log;
    const { listen, resolverFiles, virtualRange } = this.#config;
    this.#names = new MeshNames({
      clock,
      want: key => discovery().want(key),
      forget: key => discovery().forget(key),
      isConnected: () => discovery().status().connected !== false,
    });
    const range = readVirtualRange(virtualRange);
    const file = config.stateDir === '' ? '' : join(config.stateDir, 'virtual-addresses.json');
    const lost = (why: string): void =>
      log.warn({ file }, `virtual addresses of hosts are not kept, and a restart may change them: ${why}`);
    this.#virtual = range && new VirtualAddresses(range, file, lost);
    const resolvers = new MachineResolvers(resolverFiles, listen.host, clock);
    const routed = new RoutedAddresses(clock);
    this.#responder = new Responder({
      names: this.#names,
      forwarder: new Forwarder(),
      servers: host => serversFor(host, { servers: resolvers.servers, forwards: config.dnsForwards }),
      clusterDomain: config.clusterDomain,
      ...(this.#virtual && { virtual: this.#virtual }),
      isRouted: address => routed.has(address),
    });
    // A successor in the same place listens before this process goes.
    this.#listener = new DnsListener(this.#responder.answer, listen.host, { shared: true });
  }

  /** True when the resource was for this alone. */
  take(resource: Resource): boolean {
    return this.#names.take(resource);
  }

  /** The host that a connection to this address is meant for; undefined where the address says it. */
  hostOf(address: string): string | undefined {
    return this.#virtual?.hostOf(address);
  }

  /** Throws the WeftError `dns-cannot-listen`: a machine whose names are to be answered here must not hear that it is ready. */
  async start(): Promise<void> {
    const { host, port } = this.#config.listen;
    const where = formatAddress(host, port);
    try {
      await this.#listener.listen(host, port);
    } catch (error) {
      const why = errorMessage(error);
      const remedy = /EACCES/.test(why)
        ? '; ports below 1024 take CAP_NET_BIND_SERVICE, which the drop-in dns.conf of the unit gives'
        : '; give another address or port with --dns';
      throw new WeftError('dns-cannot-listen', `DNS cannot be answered at ${where}: ${why}${remedy}`, {
        source: 'config',
      });
    }
    this.#log.info({ where, virtual: this.#config.virtualRange }, 'answers DNS of this machine');
  }

  metrics(out: Exposition): void {
    out.family('weft_dns_queries_total', 'counter', 'Questions of this machine by what answered them.');
    for (const [outcome, count] of Object.entries(this.#responder.counts))
      out.sample('weft_dns_queries_total', `outcome="${outcome}"`, count);
    out.family('weft_dns_names', 'gauge', 'Names that are followed for DNS.');
    out.sample('weft_dns_names', '', this.#names.size);
  }

  close(): void {
    this.#listener.close();
    this.#names.close();
  }
}
