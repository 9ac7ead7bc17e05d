// A change of authority in steps, each of which every proxy must have heard of before the next: old; old, and new trusted; new,
// and old trusted; new. Pure: records in, records out. Where a record is kept is for authority-folder.ts and
// authority-secret.ts.
import { WeftError } from '../errors/index.ts';
import { fingerprintOf, readCertificates, writePem } from '../identity/index.ts';
import type { AuthorityParts } from './issuer.ts';

/** An authority as it is kept: who signs, and who will or did. At most one of `next` and `previous` is there. */
export interface AuthorityRecord {
  /** Who signs now, and every trusted root. */
  readonly parts: AuthorityParts;
  /** Who is to sign; its roots are among those of `parts`. */
  readonly next?: AuthorityParts;
  /** Who signed before; its roots are still among those of `parts`. */
  readonly previous?: AuthorityParts;
  /** Fingerprints of roots that a rotation has put an end to: trusted no more, whoever remembers them. */
  readonly distrusted: readonly string[];
}

/**
 * `settled`: one authority. `announced`: another root is trusted beside it, nothing is issued under it yet. `issuing`:
 * everything new is issued under the other; what the one before issued still counts.
 */
export type RotationStage = 'settled' | 'announced' | 'issuing';

/** Where a record stands. */
export function stageOf({ next, previous }: AuthorityRecord): RotationStage {
  if (next) return 'announced';
  return previous ? 'issuing' : 'settled';
}

/** The first step: the roots of `next` are trusted. Error: rotation-stage. */
export function announceNext(record: AuthorityRecord, next: AuthorityParts): AuthorityRecord | WeftError {
  const stage = stageOf(record);
  if (stage !== 'settled') return wrongStage('another rotation is under way', stage);
  const before = splitRoots(record.parts.roots);
  const added = splitRoots(next.roots);
  const parts = { ...record.parts, roots: [...new Set([...before, ...added])] };
  const distrusted = record.distrusted.filter(each => !added.some(root => fingerprintOf(root) === each));
  return { parts, next: { ...next, roots: added }, distrusted };
}

/** The second: what is issued from now on is issued by the next one. Error: rotation-stage. */
export function issueUnderNext(record: AuthorityRecord): AuthorityRecord | WeftError {
  const { next, parts, distrusted } = record;
  if (!next) return wrongStage('no other authority is announced', stageOf(record));
  const own = splitRoots(next.roots);
  const old = splitRoots(parts.roots).filter(root => !own.includes(root));
  return {
    parts: { ...next, roots: [...own, ...old] },
    previous: { ...parts, roots: old.length > 0 ? old : own },
    distrusted,
  };
}

/** The last: what the one before issued counts no more. Error: rotation-stage. */
export function finishRotation(record: AuthorityRecord): AuthorityRecord | WeftError {
  const { previous, parts, distrusted } = record;
  if (!previous) return wrongStage('nothing is issued under another authority yet', stageOf(record));
  const gone = leavingRoots(record);
  const roots = splitRoots(parts.roots).filter(root => !gone.includes(fingerprintOf(root)));
  return { parts: { ...parts, roots }, distrusted: [...new Set([...distrusted, ...gone])] };
}

/** Takes the rotation back, one step. Nothing that was issued is lost: its roots stay trusted. Error: rotation-stage. */
export function stepBack(record: AuthorityRecord): AuthorityRecord | WeftError {
  const { next, previous, parts, distrusted } = record;
  if (previous) {
    const own = splitRoots(previous.roots);
    const roots = [...own, ...splitRoots(parts.roots).filter(root => !own.includes(root))];
    return { parts: { ...previous, roots }, next: { ...parts, roots: withoutRoots(parts, own) }, distrusted };
  }
  if (!next) return wrongStage('no rotation is under way', stageOf(record));
  const leaving = splitRoots(next.roots);
  return { parts: { ...parts, roots: withoutRoots(parts, leaving) }, distrusted };
}

/** Fingerprints of the roots that `finishRotation` puts an end to; none where both authorities stand under one root. */
export function leavingRoots({ parts, previous }: AuthorityRecord): readonly string[] {
  if (!previous) return [];
  const own = rootOfChain(parts);
  return splitRoots(previous.roots)
    .map(fingerprintOf)
    .filter(each => each !== own);
}

/** Fingerprint of the root that `parts` issue under, as far as their chain says; the first of the roots otherwise. */
export function rootOfChain({ chainPem, roots }: AuthorityParts): string {
  const chain = readCertificates(chainPem, 'the chain of the certificate authority');
  const all = splitRoots(roots);
  const top = chain instanceof WeftError ? undefined : chain.at(-1);
  if (!top) return all[0] === undefined ? '' : fingerprintOf(all[0]);
  const own = all.find(root => {
    const certificates = readCertificates(root, 'a root');
    if (certificates instanceof WeftError) return false;
    return certificates[0]!.raw.equals(top.raw) || top.checkIssued(certificates[0]!);
  });
  return own === undefined ? '' : fingerprintOf(own);
}

/** PEM of single certificates; what cannot be read is left out. */
export function splitRoots(pems: readonly string[]): string[] {
  return pems.flatMap(pem => {
    const certificates = pem.trim() === '' ? [] : readCertificates(pem, 'the trusted roots');
    return certificates instanceof WeftError
      ? []
      : certificates.map(each => writePem('CERTIFICATE', each.raw));
  });
}

/** Fingerprints of every root in these PEM texts. */
export function fingerprintsOf(roots: readonly string[]): readonly string[] {
  return splitRoots(roots).map(fingerprintOf);
}

function withoutRoots(parts: AuthorityParts, leaving: readonly string[]): string[] {
  const left = splitRoots(parts.roots).filter(root => !leaving.includes(root));
  return left.length > 0 ? left : splitRoots(parts.roots);
}

function wrongStage(why: string, stage: RotationStage): WeftError {
  const remedy = {
    settled: 'begin one with weft ca rotate',
    announced: 'weft ca rotate goes on with it, weft ca rotate --back takes it back',
    issuing: 'weft ca rotate ends it, weft ca rotate --back goes a step back',
  }[stage];
  return new WeftError('rotation-stage', `${why}; ${remedy}`, { source: 'config' });
}
