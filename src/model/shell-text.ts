// Words of commands that are printed for people to type: what others chose may be anything, and must not become a command.

/** In quotes. */
export function shellText(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** In quotes where it needs some. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : shellText(text);
}
