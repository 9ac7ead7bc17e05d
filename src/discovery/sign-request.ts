import type { TokenProof } from '../ca/index.ts';
import { WeftError } from '../errors/index.ts';
import { clockSkewWarning } from '../identity/clock-skew.ts';
import { formatSpiffe, type Identity, isSameWorkload, parseSpiffe } from '../model/index.ts';
import type { SignedMessage, SignMessage } from './protocol.ts';
import type { DiscoveryServerOptions } from './server.interface.ts';

/** What a connection has proven with its certificate. */
export interface Certified {
  /** SPIFFE id */
  readonly principal: string;
  /** The pod that the certificate was made for; undefined where it does not say. */
  readonly podUid: string | undefined;
  /** Uppercase hexadecimal. */
  readonly serial: string;
}

interface Proof {
  readonly identity: Identity;
  readonly podUid?: string | undefined;
  readonly commit?: TokenProof['commit'];
}

/**
 * Answers a `sign` message. Its token proves the workload, because a token ends with its pod and within the hour; a certificate
 * alone does not, or a key that was stolen once would be renewed for ever. With both, both must speak for the same workload and
 * pod. Only when the token cannot be checked now does a certificate do, of a pod that is still known. See
 * docs/decisions/certificates.md. Errors: token-…, csr-…, certificate-other-pod.
 */
export async function answerSignRequest(
  message: SignMessage,
  certified: Certified | undefined,
  options: DiscoveryServerOptions,
): Promise<SignedMessage | WeftError> {
  const proof = await prove(message.token, certified, options);
  if (proof instanceof WeftError) return proof;
  const { identity, podUid } = proof;
  const nowMs = options.clock.now();
  const who = formatSpiffe(identity);
  const skew = clockSkewWarning(who, 'the control plane', message.nowMs - nowMs);
  if (skew) options.log.warn({ principal: who, aheadMs: message.nowMs - nowMs }, skew);
  const signed = await options.signer.sign(message.csr, identity, { podUid });
  if (signed instanceof WeftError) return signed;
  const refused = await proof.commit?.(signed.serial);
  if (refused) return refused;
  options.log.info(
    { principal: who, podUid, serial: signed.serial, notAfterMs: signed.notAfterMs },
    'signed a certificate',
  );
  return { type: 'signed', chain: signed.chainPem, roots: options.signer.roots, nowMs };
}

async function prove(
  token: string | undefined,
  certified: Certified | undefined,
  options: DiscoveryServerOptions,
): Promise<Proof | WeftError> {
  const machine = await options.machines?.prove(token, certified);
  if (machine) return machine;
  if (token === undefined) {
    const why =
      'a certificate request needs a ServiceAccount token, for a renewal too; mount a projected token';
    return new WeftError('token-required', why, { source: 'downstream' });
  }
  const proof = await options.verifier.verify(token);
  if (proof instanceof WeftError) {
    // The token is not at fault: nobody could be asked.
    const known = proof.source === 'internal' && certified ? stillKnown(certified, options) : undefined;
    if (!known) return proof;
    const fields = { principal: certified!.principal, podUid: known.podUid, code: proof.code };
    options.log.warn(fields, `a certificate is renewed without its token being checked: ${proof.message}`);
    return known;
  }
  if (!certified) return proof;
  const proven = formatSpiffe(proof.identity);
  if (!isSameWorkload(certified.principal, proven, options.hub.trustDomains)) {
    return new WeftError(
      'token-other-identity',
      `the token speaks for ${proven} and the certificate for ${certified.principal}; use one identity`,
      { source: 'downstream' },
    );
  }
  // Where one of the two does not say its pod, it was made before both did.
  if (certified.podUid !== undefined && proof.podUid !== undefined && certified.podUid !== proof.podUid) {
    return new WeftError(
      'certificate-other-pod',
      `the certificate was made for the pod with the uid ${certified.podUid}, and the token is of another (${proof.podUid}); each pod asks for its own certificate, with its token alone`,
      { source: 'downstream' },
    );
  }
  return proof;
}

/** What the certificate proves, as long as its pod is one that is known, with the same account. */
function stillKnown(
  { principal, podUid }: Certified,
  { podOf, hub }: DiscoveryServerOptions,
): Proof | undefined {
  const identity = parseSpiffe(principal);
  const pod = podUid === undefined ? undefined : podOf?.(podUid);
  if (!pod || !identity || !hub.trustDomains.includes(identity.trustDomain)) return undefined;
  const same = pod.namespace === identity.namespace && pod.serviceAccount === identity.serviceAccount;
  return same ? { identity: { ...identity, trustDomain: hub.mesh.trustDomain }, podUid } : undefined;
}
