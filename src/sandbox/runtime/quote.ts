/** A word as sh reads it back, whatever is in it. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Words as one sh command line. */
export function quoteAll(words: readonly string[]): string {
  return words.map(quote).join(' ');
}
