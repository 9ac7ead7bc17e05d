import { createHash, randomInt } from 'node:crypto';

/** Kubernetes' alphabet for generated names: no vowels and nothing easily misread, so that no words appear. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Five random letters, as Kubernetes appends them to generated names. */
export function randomSuffix(): string {
  return Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** A short name for a value's content: the same for equal values, whatever the order of their keys. */
export function contentHash(value: unknown): string {
  const digest = createHash('sha256').update(canonical(value)).digest();
  return Array.from(digest.subarray(0, 10), byte => alphabet[byte % alphabet.length]).join('');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
