// compiler: traffic goes before V8's compiler. V8 compiles hot functions on threads of its own, 5 to 45 ms for a large one; on a
// core that they share with traffic, requests waited for as long as the kernel let the compiler run. In: nothing. Out: threads
// that give way.
export { type CompilerMachine, linux } from './linux.ts';
export { yieldToTraffic } from './yield.ts';
