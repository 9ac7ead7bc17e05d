/**
 * What becomes of a request's path before rules look at it and before it goes on, under the names of Istio (MeshConfig,
 * ProxyPathNormalization). Each does what the one before it does, and more:
 * - `NONE`: nothing.
 * - `BASE`: `\` becomes `/`, escaped letters, digits and `-._~` become themselves, and dot segments are resolved (RFC 3986
 *   section 6.2.2).
 * - `MERGE_SLASHES`: of several slashes in a row one stays.
 * - `DECODE_AND_MERGE_SLASHES`: `%2F` and `%5C` become slashes first.
 */
export const PATH_NORMALIZATIONS = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'] as const;

/** One of PATH_NORMALIZATIONS. */
export type PathNormalization = (typeof PATH_NORMALIZATIONS)[number];

/** What holds where nobody says anything else, as in Istio. */
export const DEFAULT_PATH_NORMALIZATION: PathNormalization = 'BASE';
