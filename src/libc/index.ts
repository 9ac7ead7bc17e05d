// libc: calls of the C library that Node has none of, through koffi. For what is called once per connection or more seldom: a call
// costs about a microsecond. In: a C declaration. Out: a function.
import { createRequire } from 'node:module';

interface Koffi {
  load(name: null): { func(definition: string): unknown };
}

let library: ReturnType<Koffi['load']> | undefined;

/**
 * The function that `definition` declares in C. Throws where koffi has no binary for this machine, or the C library no such
 * function; the caller says what that means for its users.
 */
export function libcFunction<Call>(definition: string): Call {
  library ??= (createRequire(import.meta.url)('koffi') as Koffi).load(null);
  return library.func(definition) as Call;
}
