/** Where the roots of another trust domain come from. */
export interface FederatedDomain {
  readonly trustDomain: string;
  /** PEM, as it was written; may hold several. */
  readonly roots: readonly string[];
  /** Where its bundle is fetched, again and again; then `roots` count only until it has been. */
  readonly endpoints: readonly BundleEndpoint[];
}

/** A SPIFFE bundle endpoint (SPIFFE_Federation.md section 5). */
export interface BundleEndpoint {
  readonly url: string;
  /** The SPIFFE id that its server must prove (profile https_spiffe); undefined: by the Web's authorities (https_web). */
  readonly spiffeId?: string;
}
