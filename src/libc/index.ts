// libc: functions of the C library that Node does not offer, through koffi. For what is called once per connection or more
// seldom: a call costs about a microsecond. In: a C declaration. Out: a function.
import { createRequire } from 'node:module';

interface Koffi {
  load(name: null): { func(definition: string): unknown };
  errno(): number;
}

let koffi: Koffi | undefined;
let library: ReturnType<Koffi['load']> | undefined;

/**
 * The function that `definition` declares in C. Throws where koffi has no binary for this machine, or the C library no such
 * function; the caller says what that means for its users.
 */
export function libcFunction<Call>(definition: string): Call {
  koffi ??= createRequire(import.meta.url)('koffi') as Koffi;
  library ??= koffi.load(null);
  return library.func(definition) as Call;
}

/** What the last call that failed left in errno, before anything else is called. */
export function lastErrno(): number {
  return koffi?.errno() ?? 0;
}
