// One step of a rotation, or all of them: refused while a proxy would be left behind.
import {
  type AuthorityParts,
  type AuthorityRecord,
  announceNext,
  CertificateAuthority,
  finishRotation,
  issueUnderNext,
  type RotationStage,
  stageOf,
  stepBack,
} from '../../ca/index.ts';
import { WeftError } from '../../errors/index.ts';
import type { Clock } from '../../time/index.ts';
import type { AuthorityPlace } from './place.ts';
import { notReady, type ProxyIdentity } from './readiness.ts';

/** What a rotation works with. */
export interface RotationParts {
  readonly place: AuthorityPlace;
  /** Asks every proxy of the mesh. */
  readonly proxies: () => Promise<readonly ProxyIdentity[]>;
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

/** How it is to go. */
export interface RotationWish {
  /** The authority to rotate to; a new root of Weft's own where it is undefined. */
  readonly to?: AuthorityParts;
  readonly trustDomain: string;
  /** All steps, waiting for proxies between them; otherwise the next one. */
  readonly all?: boolean;
  /** How long `all` waits for proxies before each step. */
  readonly waitMs: number;
  /** Proxies that are not ready do not count: they lose their connections. */
  readonly force?: boolean;
}

/** Between looks at the proxies. */
const lookMs = 2_000;
/** A control plane announces a root for so long before it issues under it; see LiveAuthorityOptions. */
const named = 5;

const done: Readonly<Record<RotationStage, string>> = {
  announced: 'the new root is trusted beside the old one; nothing is issued under it yet',
  issuing: 'certificates are issued under the new root, and proxies renew theirs within a minute or so',
  settled: 'the old root is trusted no more; the rotation is done',
};

/** Takes the next step, or all. Rejects with a WeftError `rotation-too-early` where a proxy is not ready. */
export async function rotate(parts: RotationParts, wish: RotationWish): Promise<RotationStage> {
  const { place, say } = parts;
  let record = await place.read();
  if (wish.all && stageOf(record) !== 'settled') say('a rotation is under way; going on with it');
  for (;;) {
    if (stageOf(record) !== 'settled' && !wish.force) await ready(parts, record, wish);
    record = next(record, wish, parts.clock);
    await place.write(record);
    const stage = stageOf(record);
    say(`${place.name}: ${done[stage]}`);
    if (!wish.all || stage === 'settled') return stage;
  }
}

/** Takes the last step back. */
export async function rotateBack({ place, say }: RotationParts): Promise<RotationStage> {
  const record = stepBack(await place.read());
  if (record instanceof WeftError) throw record;
  await place.write(record);
  const stage = stageOf(record);
  say(
    `${place.name}: a step back; ${stage === 'settled' ? 'the new root is announced no more' : done[stage]}`,
  );
  return stage;
}

/**
 * All steps at once, for an authority that has run out: nothing that it issued is good any more, so nobody can be left behind.
 * The root before stays trusted, where it is still good.
 */
export async function replaceNow({ place, clock, say }: RotationParts, wish: RotationWish): Promise<void> {
  const announced = next(await settledOf(place), wish, clock);
  const record = next(announced, wish, clock);
  await place.write(record);
  say(`${place.name}: ${done.issuing}; weft ca rotate ends trust in the old root`);
}

async function settledOf(place: AuthorityPlace): Promise<AuthorityRecord> {
  const record = await place.read();
  if (stageOf(record) === 'settled') return record;
  // Whatever was under way is over: its roots stay trusted.
  return { parts: record.parts, distrusted: record.distrusted };
}

function next(record: AuthorityRecord, { to, trustDomain }: RotationWish, clock: Clock): AuthorityRecord {
  const stage = stageOf(record);
  const after =
    stage === 'settled'
      ? announceNext(record, to ?? CertificateAuthority.createRoot({ trustDomain, clock }).parts)
      : stage === 'announced'
        ? issueUnderNext(record)
        : finishRotation(record);
  if (after instanceof WeftError) throw after;
  return after;
}

async function ready(parts: RotationParts, record: AuthorityRecord, wish: RotationWish): Promise<void> {
  const { proxies, clock, say } = parts;
  const until = clock.monotonic() + (wish.all ? wish.waitMs : 0);
  for (let told = -1; ; ) {
    const late = notReady(record, await proxies());
    if (late.length === 0) return;
    if (clock.monotonic() >= until) throw tooEarly(late);
    if (late.length !== told) say(`waiting for ${late.length} proxies (${late[0]!.pod}: ${late[0]!.why})`);
    told = late.length;
    await new Promise<void>(resolve => clock.after(lookMs, resolve));
  }
}

function tooEarly(late: readonly { readonly pod: string; readonly why: string }[]): WeftError {
  const some = late
    .slice(0, named)
    .map(({ pod, why }) => `${pod}: ${why}`)
    .join('; ');
  const more = late.length > named ? `; and ${late.length - named} more` : '';
  const why = `${late.length} proxies would be left behind (${some}${more}); wait, or mend or delete these pods, or leave them behind with --force`;
  return new WeftError('rotation-too-early', why, { source: 'config' });
}
