import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { WeftError } from '../errors/index.ts';
import { formatSpiffe, type Identity, parseSpiffe } from '../model/index.ts';
import { isRecord } from '../plain/index.ts';

/** What is written down of a machine outside of the cluster and the token by which it joins. Of the token only a hash. */
export interface JoinRecord {
  /** SHA-256 of the token's secret, base64url. */
  readonly hash: string;
  /** Of the machine; stands in its certificates where a pod's uid stands in a pod's. */
  readonly uid: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly createdAtMs: number;
  /** Until when the token can be used. */
  readonly expiresAtMs: number;
  /** When it was used; then never again. */
  readonly joinedAtMs?: number;
  readonly renewedAtMs?: number;
  /** Serial of the certificate that the machine has shown, and of the one issued to it since, which it may not have got. */
  readonly current?: string;
  readonly pending?: string;
  /** Why nothing is signed for it any more. */
  readonly ended?: { readonly how: 'revoked' | 'copied'; readonly why: string };
}

const prefix = 'weft-join';
const tokenPattern = /^weft-join\.([0-9a-f]{12})\.([A-Za-z0-9_-]{43})$/;

/** Whether it pretends to be one of these, so that nobody else is asked about it. */
export function isJoinToken(token: string): boolean {
  return token.startsWith(`${prefix}.`);
}

/** The parts of a token; undefined where it is none. */
export function readJoinToken(token: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = tokenPattern.exec(token.trim()) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** A new token, 256 random bits, and what is written down of it. */
export function newJoinToken(
  identity: Pick<Identity, 'namespace' | 'serviceAccount'>,
  nowMs: number,
  lifeMs: number,
): { readonly id: string; readonly token: string; readonly record: JoinRecord } {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  const { namespace, serviceAccount } = identity;
  const record: JoinRecord = {
    ...{ hash: hashOf(secret), uid: randomUUID(), namespace, serviceAccount },
    ...{ createdAtMs: nowMs, expiresAtMs: nowMs + lifeMs },
  };
  return { id, token: `${prefix}.${id}.${secret}`, record };
}

/** Whether it is the secret that the record was made for, in the same time whatever differs. */
export function isSecretOf({ hash }: JoinRecord, secret: string): boolean {
  const [one, other] = [Buffer.from(hash), Buffer.from(hashOf(secret))];
  return one.length === other.length && timingSafeEqual(one, other);
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** From when on nobody can use the record for anything, whatever it says: its token is over, and so is any certificate by it. */
export function overAtMs(record: JoinRecord, certificateLifetimeMs: number): number {
  const { expiresAtMs, joinedAtMs, renewedAtMs = 0 } = record;
  if (joinedAtMs === undefined) return expiresAtMs;
  return Math.max(joinedAtMs, renewedAtMs) + certificateLifetimeMs;
}

/** A record as it is kept. */
export function formatJoinRecord(record: JoinRecord): string {
  return JSON.stringify(record);
}

/** Reads one; an error names the token. What cannot be read joins nobody. */
export function parseJoinRecord(id: string, text: string): JoinRecord | WeftError {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    said = undefined;
  }
  if (isRecord(said)) {
    const { hash, uid, namespace, serviceAccount, createdAtMs, expiresAtMs } = said;
    const texts = [hash, uid, namespace, serviceAccount].every(each => typeof each === 'string');
    const times = [createdAtMs, expiresAtMs].every(each => typeof each === 'number');
    const identity = {
      trustDomain: 'x',
      namespace: String(namespace),
      serviceAccount: String(serviceAccount),
    };
    if (texts && times && parseSpiffe(formatSpiffe(identity))) return said as unknown as JoinRecord;
  }
  const why = `what is written down of the join token ${id} cannot be read; revoke it and create another (weft token)`;
  return new WeftError('join-record', why, { source: 'config' });
}
