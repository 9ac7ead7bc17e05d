import { WeftError } from '../errors/index.ts';
import type { Sign } from '../identity/index.ts';
import type { Identity } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import type { Authority } from './authority.interface.ts';
import type { SignOptions } from './certificate-authority.ts';

/**
 * Signs for this very process, so that the control plane's own server certificate is kept fresh by the same CertificateKeeper
 * as a proxy's. `authority` is asked for each time.
 */
export function localSigner(
  authority: () => Pick<Authority, 'sign' | 'roots'>,
  identity: Identity,
  options: SignOptions & { readonly clock: Clock },
): Sign {
  return async request => {
    const current = authority();
    const signed = await current.sign(request.csr, identity, options);
    if (signed instanceof WeftError) throw signed;
    return { chain: signed.chainPem, roots: current.roots, nowMs: options.clock.now() };
  };
}
