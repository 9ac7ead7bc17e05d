// What looks names up, without the rest of the room: for sidecars, which have nothing else of it.

export { askServers } from './dns-client.ts';
export { readDnsSettings, serversFor } from './dns-settings.ts';
export { NamedEndpoints } from './named-endpoints.ts';
export { NameLookup } from './names.ts';
