// dns: the cluster's name server. In: Services and EndpointSlices. Out: answers over UDP and TCP, and the resolv.conf
// that makes pods ask it.
export { resolvConf } from './resolv-conf.ts';
export { DnsServer } from './server.ts';
export { buildZone, type Zone } from './zone.ts';
