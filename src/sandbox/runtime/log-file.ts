import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The last `lines` lines of a file, at most `maxBytes` of them; empty when it cannot be read. */
export function tailOf(path: string, lines: number, maxBytes = 4096): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const size = fstatSync(file).size;
    const length = Math.min(size, maxBytes);
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, size - length);
    return bytes.toString().trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    closeSync(file);
  }
}
