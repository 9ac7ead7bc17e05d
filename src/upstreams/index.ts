// upstreams: where the upstreams of a gateway live, and which of their endpoints are well. In: UpstreamSettings. Out: endpoints,
// each with whether it may get requests, told again with every change; what was found stays while whoever said it is away.
// Sources: addresses and names that are written down, DNS (A, AAAA, SRV, by their TTL), Consul, Kubernetes, a file; active checks
// over HTTP, TCP, gRPC.

export { type AskDns, askServers, type DnsReply } from './dns-client.ts';
export { type DnsSettings, readDnsSettings } from './dns-settings.ts';
export type { FoundEndpoint } from './found.ts';
export { NameLookup } from './names.ts';
export type { KnownEndpoint, UpstreamContext, UpstreamStatus } from './running-upstream.ts';
export { Upstreams } from './upstreams.ts';
