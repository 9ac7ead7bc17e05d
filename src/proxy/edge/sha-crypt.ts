import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';

const digits = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Rounds between which others have their turn: about a millisecond. */
const roundsAtOnce = 500;
/** As the C library has it, but fewer at most: whoever may write a Secret must not stop a proxy. */
const rounds = { min: 1000, usual: 5000, max: 200_000 };

/** Of three bytes of the sum four digits are made; the last of it is short (`b64_from_24bit`, sha512-crypt.c). */
const orders = {
  5: { algorithm: 'sha256', groups: 10, tail: [-1, 31, 30] },
  6: { algorithm: 'sha512', groups: 21, tail: [-1, -1, 63] },
} as const;

/**
 * `$5$…` and `$6$…` of crypt(3), by the hash that says salt and rounds (Ulrich Drepper, Unix crypt using SHA-256 and SHA-512).
 * Undefined for what is no such hash, or asks for more rounds than anybody needs.
 */
export async function shaCrypt(password: string, hash: string): Promise<string | undefined> {
  const [, kind, stated, salt] = /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$]{0,64})/.exec(hash) ?? [];
  if (kind === undefined || salt === undefined) return undefined;
  const count = stated === undefined ? rounds.usual : Math.max(rounds.min, Number(stated));
  if (count > rounds.max) return undefined;
  const { algorithm } = orders[kind as '5' | '6'];
  const word = Buffer.from(password, 'utf8');
  const grain = Buffer.from(salt.slice(0, 16), 'latin1');
  const sum = (...parts: readonly Uint8Array[]): Buffer => {
    const whole = createHash(algorithm);
    for (const part of parts) whole.update(part);
    return whole.digest();
  };
  const alternate = sum(word, grain, word);
  const first: Uint8Array[] = [word, grain, repeated(alternate, word.length)];
  for (let bits = word.length; bits > 0; bits >>= 1) first.push((bits & 1) === 1 ? alternate : word);
  let digest = sum(...first);
  const p = repeated(sum(...Array.from({ length: word.length }, () => word)), word.length);
  const s = repeated(sum(...Array.from({ length: 16 + digest[0]! }, () => grain)), grain.length);
  for (let round = 0; round < count; round++) {
    const odd = (round & 1) === 1;
    const parts: Uint8Array[] = [odd ? p : digest];
    if (round % 3 !== 0) parts.push(s);
    if (round % 7 !== 0) parts.push(p);
    parts.push(odd ? digest : p);
    digest = sum(...parts);
    if (round % roundsAtOnce === roundsAtOnce - 1) await turn();
  }
  const told = stated === undefined ? '' : `rounds=${count}$`;
  return `$${kind}$${told}${grain.toString('latin1')}$${encoded(digest, kind as '5' | '6')}`;
}

/** As many bytes as `length`, the same ones again and again. */
function repeated(bytes: Buffer, length: number): Buffer {
  const out = Buffer.alloc(length);
  for (let at = 0; at < length; at += bytes.length) bytes.copy(out, at);
  return out;
}

/** Each group of three bytes begins where the one before has its second (SHA-256) or third (SHA-512). */
function encoded(digest: Buffer, kind: '5' | '6'): string {
  const { groups, tail } = orders[kind];
  let text = '';
  let [a, b, c] = kind === '5' ? [0, 10, 20] : [0, 21, 42];
  for (let group = 0; group < groups; group++) {
    text += sixes((digest[a]! << 16) | (digest[b]! << 8) | digest[c]!, 4);
    [a, b, c] = kind === '5' ? [c + 1, a + 1, b + 1] : [b + 1, c + 1, a + 1];
  }
  const [high, middle, low] = tail.map(at => (at < 0 ? 0 : digest[at]!));
  return text + sixes((high! << 16) | (middle! << 8) | low!, kind === '5' ? 3 : 2);
}

/** `count` digits of six bits, the lowest first. */
function sixes(value: number, count: number): string {
  return Array.from({ length: count }, (_, at) => digits[(value >> (6 * at)) & 63]!).join('');
}
