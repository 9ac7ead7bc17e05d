import { WeftError } from '../errors/index.ts';
import { equal, formatSpiffe, type Problem, problem } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import { isJoinToken, isSecretOf, type JoinRecord, overAtMs, readJoinToken } from './join-record.ts';
import type { TokenProof } from './token-verifier.ts';

/** Where records are kept, shared by all replicas. */
export interface JoinStore {
  /** Every record by the id of its token. `version`: of all of them together. */
  read(): Promise<
    { readonly version: string; readonly records: ReadonlyMap<string, JoinRecord> } | WeftError
  >;
  /** Writes one record if nothing has changed since `version` was read; `changed` where something has. */
  write(version: string, id: string, record: JoinRecord): Promise<'written' | 'changed' | WeftError>;
  /** The same for one that is to go. */
  remove(version: string, id: string): Promise<'written' | 'changed' | WeftError>;
}

/** What a certificate of the connection has proven. */
export interface CertifiedMachine {
  readonly podUid: string | undefined;
  /** Uppercase hexadecimal. */
  readonly serial: string;
}

/** What a JoinTokens is made of. */
export interface JoinTokensOptions {
  readonly store: JoinStore;
  readonly trustDomain: string;
  /** Accounts under which no machine joins: those of control planes. */
  readonly reserved?: (namespace: string, serviceAccount: string) => boolean;
  readonly clock: Clock;
  /** Hears of what somebody should look at. */
  readonly notice: (severity: 'info' | 'warn', fields: object, words: string) => void;
  /** Counts what became of tokens and renewals: `joined`, `renewed`, or the code of a refusal. */
  readonly count?: (outcome: string) => void;
}

/** As often a record is read anew when another replica has written in between. */
const attempts = 8;

/**
 * So old may be the list in which a certificate without a token is looked up. Whoever is found there is judged by the list as it
 * is when its next certificate is written down.
 */
const recentMs = 2_000;

/** So long a record stays that nothing depends on any more. */
const keepRecordsMs = 7 * 24 * 3_600_000;

/**
 * Machines outside of the cluster. A token joins one machine, once: it is spent after the first certificate was signed and before
 * it is sent, by a write that fails where anybody else has written. From then on the machine renews by its certificate, and each
 * certificate renews once: who shows one that was renewed already, and its successor used, is a copy. Nobody can say which of
 * the two is the machine, so that neither gets another. See docs/decisions/machines.md.
 */
export class JoinTokens {
  readonly #options: JoinTokensOptions;
  /** Told as problems for as long as this replica runs. */
  readonly #suspicious = new Map<string, Problem>();
  /** The last reading, or the one under way, and when it began: connections that come together share one. */
  #recent: { readonly atMs: number; readonly read: ReturnType<JoinStore['read']> } | undefined;

  constructor(options: JoinTokensOptions) {
    this.#options = options;
  }

  problems(): readonly Problem[] {
    return [...this.#suspicious.values()];
  }

  /**
   * Who asks, by its token, its certificate or both; undefined where neither is a machine's, and others must know. Its `commit`
   * must be called when the certificate is made, and nothing be sent where that returns an error.
   */
  async prove(
    token: string | undefined,
    certified: CertifiedMachine | undefined,
  ): Promise<TokenProof | WeftError | undefined> {
    const isToken = token !== undefined && isJoinToken(token);
    if (!isToken && (token !== undefined || certified === undefined)) return undefined;
    // A token may have been made a moment ago; who has a certificate has been there for a while.
    const read = await (isToken ? this.#options.store.read() : this.#readRecent());
    if (read instanceof WeftError) return isToken ? read : undefined;
    if (isToken) return this.#counted(this.#byToken(token, certified, read.records));
    const { podUid, serial } = certified!;
    // Issuers of others put no uid into certificates.
    const found = [...read.records].find(([, { uid, current, pending }]) =>
      podUid === undefined ? serial === current || serial === pending : uid === podUid,
    );
    return found && this.#counted(this.#byCertificate(found[0], found[1], certified!));
  }

  /**
   * Removes records that nothing depends on any more: of tokens that ran out unused, and of machines that have no certificate to
   * renew by. They stay for a week, so that weft token list tells what became of them. What fails is tried with the next call.
   */
  async tidy(certificateLifetimeMs: number): Promise<void> {
    const { store, clock, notice } = this.#options;
    const read = await store.read();
    if (read instanceof WeftError) return;
    const old = [...read.records].filter(
      ([, record]) => clock.now() - overAtMs(record, certificateLifetimeMs) > keepRecordsMs,
    );
    for (const [id, record] of old) {
      const before = await store.read();
      if (before instanceof WeftError || !equal(before.records.get(id), record)) continue;
      const removed = await store.remove(before.version, id);
      if (removed !== 'written') return;
      this.#suspicious.delete(id);
      notice('info', { token: id, ...this.#who(record) }, 'removed an old record of a join token');
    }
  }

  #readRecent(): ReturnType<JoinStore['read']> {
    const { store, clock } = this.#options;
    const nowMs = clock.monotonic();
    if (this.#recent && nowMs - this.#recent.atMs < recentMs) return this.#recent.read;
    const recent = { atMs: nowMs, read: store.read() };
    this.#recent = recent;
    const forget = (): void => {
      if (this.#recent === recent) this.#recent = undefined;
    };
    // What failed is asked again at once.
    recent.read.then(read => read instanceof WeftError && forget(), forget);
    return recent.read;
  }

  #byToken(
    token: string,
    certified: CertifiedMachine | undefined,
    records: ReadonlyMap<string, JoinRecord>,
  ): TokenProof | WeftError {
    const parts = readJoinToken(token);
    const record = parts && records.get(parts.id);
    const isReserved = record && this.#options.reserved?.(record.namespace, record.serviceAccount) === true;
    // Nobody joins as the control plane, whatever is written down.
    if (!parts || !record || isReserved || !isSecretOf(record, parts.secret))
      return refuse('join-token-unknown', 'there is no such join token; create one with weft token create');
    const { id } = parts;
    if (record.ended) return endedError(id, record);
    if (record.joinedAtMs !== undefined) {
      // The file with the token may still be there when the machine renews.
      const isItsOwn =
        certified !== undefined &&
        (certified.podUid === record.uid || [record.current, record.pending].includes(certified.serial));
      if (isItsOwn) return this.#byCertificate(id, record, certified);
      return this.#usedAgain(id, record);
    }
    if (record.expiresAtMs <= this.#options.clock.now())
      return refuse(
        'join-token-expired',
        `the join token ${id} has expired; create another with weft token create`,
      );
    return this.#proofOf(record, serial =>
      this.#commit(id, 'joined', now =>
        now.joinedAtMs !== undefined
          ? this.#usedAgain(id, now)
          : { ...now, joinedAtMs: this.#options.clock.now(), pending: serial },
      ),
    );
  }

  #byCertificate(
    id: string,
    record: JoinRecord,
    { serial: shown }: CertifiedMachine,
  ): TokenProof | WeftError {
    if (record.ended) return endedError(id, record);
    return this.#proofOf(record, serial =>
      this.#commit(id, 'renewed', now => {
        const renewedAtMs = this.#options.clock.now();
        // The answer before may have been lost: the machine still shows the certificate that it has.
        if (shown === now.current) return { ...now, pending: serial, renewedAtMs };
        if (shown === now.pending) return { ...now, current: shown, pending: serial, renewedAtMs };
        const why =
          'a certificate was shown that had been renewed already: its key was copied, or the machine restored from before';
        return { ...now, ended: { how: 'copied', why } };
      }),
    );
  }

  #proofOf(
    { namespace, serviceAccount, uid }: JoinRecord,
    commit: NonNullable<TokenProof['commit']>,
  ): TokenProof {
    const { trustDomain } = this.#options;
    return { identity: { trustDomain, namespace, serviceAccount }, podUid: uid, commit };
  }

  /** Changes a record as it is by then; what is written between is read again. */
  async #commit(
    id: string,
    outcome: 'joined' | 'renewed',
    change: (now: JoinRecord) => JoinRecord | WeftError,
  ): Promise<WeftError | undefined> {
    const { store, notice, count } = this.#options;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const read = await store.read();
      if (read instanceof WeftError) return read;
      const now = read.records.get(id);
      if (now === undefined)
        return refuse('join-token-unknown', `the join token ${id} is not there any more`);
      const next = now.ended ? endedError(id, now) : change(now);
      if (next instanceof WeftError) return this.#counted(next);
      const written = await store.write(read.version, id, next);
      if (written instanceof WeftError) return written;
      if (written === 'changed') continue;
      this.#recent = undefined;
      if (next.ended) {
        this.#suspect(id, next, next.ended.why);
        return this.#counted(endedError(id, next));
      }
      count?.(outcome);
      notice('info', { token: id, ...this.#who(next) }, `a machine outside of the cluster has ${outcome}`);
      return undefined;
    }
    return new WeftError('join-store', 'the list of join tokens changes all the time; try again', {
      source: 'internal',
    });
  }

  /** The machine, or whoever was faster, has a certificate: somebody must look which. */
  #usedAgain(id: string, record: JoinRecord): WeftError {
    const at = new Date(record.joinedAtMs!).toISOString();
    this.#suspect(id, record, `it was used at ${at}, and somebody has tried to use it again`);
    return refuse(
      'join-token-used',
      `the join token ${id} was used at ${at}, and works once; if that was not this machine, revoke it (weft token revoke ${id}) and create another`,
    );
  }

  #suspect(id: string, record: JoinRecord, why: string): void {
    const { principal } = this.#who(record);
    const words = `join token ${id} of ${principal}: ${why}; if it was not the machine itself, weft token revoke ${id}`;
    this.#suspicious.set(id, problem('join-token-suspicious', words));
    this.#options.notice('warn', { token: id, principal }, words);
  }

  #who({ namespace, serviceAccount, uid }: JoinRecord): { readonly principal: string; readonly uid: string } {
    const { trustDomain } = this.#options;
    return { principal: formatSpiffe({ trustDomain, namespace, serviceAccount }), uid };
  }

  #counted<T>(found: T | WeftError): T | WeftError {
    if (found instanceof WeftError) this.#options.count?.(found.code);
    return found;
  }
}

function endedError(id: string, { ended }: JoinRecord): WeftError {
  const why = `the join token ${id} and what joined by it get nothing any more: ${ended!.why}; create another with weft token create`;
  return ended!.how === 'copied' ? refuse('machine-copied', why) : refuse('join-token-revoked', why);
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'downstream' });
}
