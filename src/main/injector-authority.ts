// The control plane's authority, its own certificate, and whose tokens it believes.
import { readFile } from 'node:fs/promises';
import {
  type Authority,
  followFolder,
  JwtTokenVerifier,
  LiveAuthority,
  loadOrCreateAuthority,
  localSigner,
  type RevocationList,
  readAuthorityRecord,
  TokenReviewVerifier,
  type TokenVerifier,
} from '../ca/index.ts';
import type { InjectorConfig } from '../config/injector-config.ts';
import type { Signer } from '../discovery/index.ts';
import { errorMessage, guarded, WeftError } from '../errors/index.ts';
import { CertificateKeeper } from '../identity/index.ts';
import type { KubeClient } from '../kubernetes/index.ts';
import { formatSpiffe } from '../model/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';

/** What every stage works with. */
export interface Surroundings {
  readonly config: InjectorConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * The authority of a folder, made there when it is empty, and followed: what is put there is used without a restart, at once
 * after SIGHUP. Rejects with the WeftError of what is wrong with it.
 */
export async function openFolderAuthority(
  { config, clock, log, signal }: Surroundings,
  revocations: RevocationList,
): Promise<LiveAuthority> {
  const { caDir, trustDomain } = config;
  const authority = await loadOrCreateAuthority(caDir, { trustDomain, clock });
  if (authority instanceof WeftError) throw authority;
  const record = await readAuthorityRecord(caDir);
  const distrusted = record instanceof WeftError ? [] : record.distrusted;
  const live = new LiveAuthority(authority, { clock, distrusted });
  const look = followFolder({ folder: caDir, live, revocations, clock, signal });
  const reload = guarded('signal', () => {
    log.info({ folder: caDir }, 'SIGHUP: the certificate authority is read anew');
    void look();
  });
  process.on('SIGHUP', reload);
  signal.addEventListener('abort', () => process.off('SIGHUP', reload), { once: true });
  return live;
}

/** Tokens are checked with the keys of a file, or by asking the cluster. Rejects with WeftError `token-keys`. */
export async function openVerifier(
  { config, clock }: Surroundings,
  client: KubeClient | undefined,
): Promise<TokenVerifier> {
  const { tokenKeys, tokenIssuer, trustDomain } = config;
  if (client && tokenKeys === '') {
    return new TokenReviewVerifier({ trustDomain, clock, review: reviewThrough(client) });
  }
  let jwks: unknown;
  try {
    jwks = JSON.parse(await readFile(tokenKeys, 'utf8'));
  } catch (thrown) {
    const why = `the token keys in ${tokenKeys} cannot be read (${errorMessage(thrown)}); give a JWKS file with --token-keys`;
    throw new WeftError('token-keys', why, { source: 'config', cause: thrown });
  }
  const verifier = JwtTokenVerifier.create({ jwks, issuer: tokenIssuer, trustDomain, clock });
  if (verifier instanceof WeftError) throw verifier;
  return verifier;
}

function reviewThrough(client: KubeClient) {
  return async (token: string, audiences: readonly string[]) => {
    const answer = await client.call({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } },
      timeoutMs: 5_000,
    });
    if (answer instanceof Error) return answer;
    return (answer.status ?? {}) as Readonly<Record<string, unknown>>;
  };
}

/**
 * The control plane's own certificate, kept fresh as a proxy keeps its own; it names the Service, webhook and discovery use it.
 */
export async function keepOwnCertificate(
  authority: Authority,
  { config, clock, log, signal }: Surroundings,
): Promise<CertificateKeeper> {
  const { identity, clusterDomain, certificateLifetimeMs } = config;
  const service = `${identity.serviceAccount}.${identity.namespace}.svc`;
  const dnsNames = [service, `${service}.${clusterDomain}`];
  const keeper = new CertificateKeeper({
    clock,
    sign: localSigner(() => authority, identity, { clock, dnsNames, lifetimeMs: certificateLifetimeMs }),
    dnsNames,
    principal: formatSpiffe(identity),
    notice: ({ severity, code, message }) =>
      log[severity === 'warning' ? 'warn' : severity]({ code }, message),
  });
  keeper.start(signal);
  await keeper.obtained(AbortSignal.any([signal, AbortSignal.timeout(10_000)]));
  const unsubscribe = authority.subscribe(change => {
    if (change === 'roots') void keeper.trust(authority.roots);
    else keeper.renew();
  });
  signal.addEventListener('abort', unsubscribe, { once: true });
  return keeper;
}

/** Signs for proxies with whichever authority is in use, but for nobody who is revoked. */
export function signerOf(
  authority: Authority,
  revocations: RevocationList,
  { config }: Surroundings,
): Signer {
  const lifetimeMs = config.certificateLifetimeMs;
  return {
    get roots() {
      return authority.roots;
    },
    sign: (csr, identity, { podUid }) =>
      revocations.refusal(identity) ?? authority.sign(csr, identity, { lifetimeMs, podUid }),
  };
}
