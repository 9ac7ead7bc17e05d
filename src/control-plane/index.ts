// control-plane: what weft-injector keeps in the cluster. In: an API client, the authority's roots. Out: the certificate
// authority in a Secret, followed live (AuthorityStore), the trusted roots in every namespace (TrustDistributor), in the
// status of policies what became of them (StatusWriter), and what runs for each Gateway (GatewayDeployer).

export {
  AuthorityStore,
  type AuthorityStoreOptions,
  followBundle,
  followRevocations,
} from './authority-store.ts';
export { type ClusterSecret, ClusterSecrets } from './cluster-secrets.ts';
export { competeWhile, type Permission } from './compete-while.ts';
export {
  GatewayDeployer,
  type GatewayDeployerOptions,
  type WantedGateway,
  type WantedObject,
} from './gateway-deployer.ts';
export { configMapJoinStore, JOIN_CONFIG_MAP } from './join-config-map.ts';
export { type StatusWish, StatusWriter, type StatusWriterOptions } from './status-writer.ts';
export { readBundle, TRUST_CONFIG_MAP, TRUST_KEY, type TrustBundle } from './trust-bundle.ts';
export { TrustDistributor, type TrustDistributorOptions } from './trust-distributor.ts';
