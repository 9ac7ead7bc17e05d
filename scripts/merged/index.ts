// merged: a program as it is started fast. What a command needs from its first moment on is one file in CommonJS, which V8
// can take with the code that it has compiled before (code-cache.ts); everything else stays in files of its own, loaded on
// demand. Finding, compiling and linking modules is the larger part of a start, and an ES module cannot bring compiled code
// along that holds on another machine: Node's own cache of it is tied to the processor and the user. In: a bundle in chunks.
// Out: files of a folder.
export { type Merge, mergeProgram } from './merge.ts';
export { PROXY } from './proxy.ts';
