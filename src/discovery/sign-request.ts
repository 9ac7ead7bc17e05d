import { WeftError } from '../errors/index.ts';
import { clockSkewWarning } from '../identity/clock-skew.ts';
import { formatSpiffe, type Identity, parseSpiffe } from '../model/index.ts';
import type { SignedMessage, SignMessage } from './protocol.ts';
import type { DiscoveryServerOptions } from './server.interface.ts';

/**
 * Answers a `sign` message: by its token, or by the certificate that the connection has proven (`principal`). With both, both must
 * speak for the same workload. Errors: token-…, csr-…, certificate-required, token-other-identity.
 */
export async function answerSignRequest(
  message: SignMessage,
  principal: string | undefined,
  options: DiscoveryServerOptions,
): Promise<SignedMessage | WeftError> {
  const identity = await proveIdentity(message.token, principal, options);
  if (identity instanceof WeftError) return identity;
  const nowMs = options.clock.now();
  const who = formatSpiffe(identity);
  const skew = clockSkewWarning(who, 'the control plane', message.nowMs - nowMs);
  if (skew) options.log.warn({ principal: who, aheadMs: message.nowMs - nowMs }, skew);
  const signed = options.signer.sign(message.csr, identity);
  if (signed instanceof WeftError) return signed;
  options.log.info(
    { principal: who, serial: signed.serial, notAfterMs: signed.notAfterMs },
    'signed a certificate',
  );
  return { type: 'signed', chain: signed.chainPem, roots: options.signer.roots, nowMs };
}

async function proveIdentity(
  token: string | undefined,
  principal: string | undefined,
  { verifier, hub }: DiscoveryServerOptions,
): Promise<Identity | WeftError> {
  const certified = principal === undefined ? undefined : parseSpiffe(principal);
  if (token === undefined) {
    if (certified?.trustDomain === hub.mesh.trustDomain) return certified;
    return new WeftError(
      'certificate-required',
      'a certificate request needs a proof of identity: send a token, or connect with the current certificate',
      { source: 'downstream' },
    );
  }
  const proof = await verifier.verify(token);
  if (proof instanceof WeftError) return proof;
  if (certified && formatSpiffe(certified) !== formatSpiffe(proof.identity)) {
    return new WeftError(
      'token-other-identity',
      `the token speaks for ${formatSpiffe(proof.identity)} and the certificate for ${formatSpiffe(certified)}; use one identity`,
      { source: 'downstream' },
    );
  }
  return proof.identity;
}
