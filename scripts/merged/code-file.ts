/** Where the compiled code of a source file lies: V8 reads it only in the same version, and on the same kind of processor. */
export function codeFile(source: string): string {
  return source.replace(/cjs$/, `${process.version}-${process.arch}.code`);
}
