import { createHash } from 'node:crypto';

const digits = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * MD5 of a password: `$1$SALT$…` of crypt(3), and with its other beginning `$apr1$SALT$…` as htpasswd -m writes it (apr_md5.c;
 * Poul-Henning Kamp's crypt of FreeBSD).
 */
export function md5Crypt(password: string, salt: string, magic: '$1$' | '$apr1$'): string {
  const word = Buffer.from(password, 'utf8');
  const grain = Buffer.from(salt.slice(0, 8), 'latin1');
  const md5 = (...parts: readonly Uint8Array[]): Buffer => {
    const hash = createHash('md5');
    for (const part of parts) hash.update(part);
    return hash.digest();
  };
  const alternate = md5(word, grain, word);
  const parts: Uint8Array[] = [word, Buffer.from(magic), grain];
  for (let left = word.length; left > 0; left -= 16) parts.push(alternate.subarray(0, Math.min(16, left)));
  for (let bits = word.length; bits > 0; bits >>= 1)
    parts.push((bits & 1) === 1 ? Buffer.of(0) : word.subarray(0, 1));
  let sum = md5(...parts);
  for (let round = 0; round < 1000; round++) {
    const odd = (round & 1) === 1;
    sum = md5(
      odd ? word : sum,
      round % 3 === 0 ? Buffer.alloc(0) : grain,
      round % 7 === 0 ? Buffer.alloc(0) : word,
      odd ? sum : word,
    );
  }
  const order = [
    [0, 6, 12],
    [1, 7, 13],
    [2, 8, 14],
    [3, 9, 15],
    [4, 10, 5],
  ] as const;
  const text = order.map(([a, b, c]) => sixes((sum[a]! << 16) | (sum[b]! << 8) | sum[c]!, 4));
  return `${magic}${grain.toString('latin1')}$${text.join('')}${sixes(sum[11]!, 2)}`;
}

/** `count` digits of six bits, the lowest first. */
function sixes(value: number, count: number): string {
  return Array.from({ length: count }, (_, at) => digits[(value >> (6 * at)) & 63]!).join('');
}
