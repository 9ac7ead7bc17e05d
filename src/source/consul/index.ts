// source/consul: services of Consul's catalog as objects of the mesh. Imported by itself, because it loads an HTTP client. In:
// blocking queries. Out: a ServiceEntry for each service, NAME.service.consul.

export { ConsulSource, type ConsulSourceOptions } from './consul-source.ts';
