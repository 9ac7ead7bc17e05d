// tls: mesh TLS. Contexts from credentials, handshakes that turn a TCP wire into a secure one and tell the peer's identity, and a
// look into ClientHellos for telling mesh TLS from an app's own. In: wires and credentials. Out: wires and principals.
export {
  beginsClientHello,
  type Hello,
  HelloScanner,
  MAX_HELLO_BYTES,
  MAX_HELLO_RECORDS,
  readClientHello,
} from './client-hello.ts';
export { acceptFederatedTls, connectFederatedTls, type FederatedUpstream } from './federated-handshake.ts';
export {
  acceptMeshTls,
  connectMeshTls,
  connectOriginatedTls,
  type Handshake,
  type HandshakeWaiter,
  handshakeWords,
  type Secured,
} from './handshake.ts';
export { MeshPeers, type OpenPeer, type PeerTerms } from './mesh-peers.ts';
export { ALPN, beginsMeshHello, isMeshHello, MeshTls } from './mesh-tls.ts';
export { checkNativeTls } from './native-tls.ts';
export { type CertificateOf, OriginatedContexts } from './originated.ts';
export { acceptServerTls, type ServerTerms } from './server-handshake.ts';
export type { TlsSession } from './tls-session.ts';
