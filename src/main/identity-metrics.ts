import { fingerprintOf, rootFingerprint } from '../identity/index.ts';
import { type Exposition, labelText } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import type { MeshTls } from '../tls/index.ts';

/**
 * Whom a proxy trusts, and what its own certificate leads to, by fingerprint: by these `weft ca` knows whether a rotation may
 * go on. Worked out when the certificate or its roots change, not at each scrape.
 */
export class IdentityMetrics {
  readonly #tls: MeshTls;
  readonly #clock: Clock;
  #of: MeshTls['certificates'];
  #roots: readonly string[] = [];
  #own = '';

  constructor(tls: MeshTls, clock: Clock) {
    this.#tls = tls;
    this.#clock = clock;
  }

  render(out: Exposition): void {
    const { certificates } = this.#tls;
    if (certificates !== this.#of) {
      this.#of = certificates;
      this.#roots = certificates?.roots.map(fingerprintOf) ?? [];
      this.#own =
        certificates === undefined
          ? ''
          : rootFingerprint(certificates.chainPem, certificates.roots, this.#clock.now());
    }
    out.family('weft_trusted_root_info', 'gauge', 'Roots that this proxy trusts, by SHA-256; 1.');
    for (const fingerprint of this.#roots)
      out.sample('weft_trusted_root_info', labelText({ fingerprint }), 1);
    out.family(
      'weft_certificate_root_info',
      'gauge',
      "The root that this proxy's own certificate leads to, by SHA-256; 1.",
    );
    if (this.#own !== '') out.sample('weft_certificate_root_info', labelText({ fingerprint: this.#own }), 1);
  }
}
