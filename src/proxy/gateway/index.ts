// proxy/gateway: the listeners of a gateway, which clients call by their own addresses: PROXY protocol, TLS by server name,
// certificates, client addresses, and which virtual host a request is for. What comes then (routes, filters, balancing, mutual
// TLS into the mesh) is that of sidecars. In: resources `gateway` and `certificate`. Out: connections with an ExchangeHost.
// Loaded by gateways alone.
export type { GatewayRole, ListeningPort, MakeGatewayRole } from './gateway-role.interface.ts';
export { gatewayRole } from './gateway-role.ts';
