// federation: trust between trust domains, as SPIFFE has it. Bundles of others are fetched, refreshed, and the last good one
// kept; our own is told to whoever asks, since roots are no secret.
// In: which domains, and where their bundles are. Out: their roots; JSON of our own.
export { formatBundle, readBundle, type SpiffeBundle } from './bundle.ts';
export { type BundleServerOptions, serveBundle } from './bundle-server.ts';
export { FederatedBundles, type FederatedBundlesOptions, type FederatedStatus } from './federated-bundles.ts';
export { type FetchBundle, type FetchedFrom, fetchBundle } from './fetch-bundle.ts';
