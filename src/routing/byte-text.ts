/**
 * The bytes of the text's UTF-8, a character each. Heads are read and written as latin1, where a character is a byte: text of a
 * policy that is joined with them has to be bytes too, or letters beyond latin1 are cut down to others, a line end among them
 * (U+010A).
 */
export function byteText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
