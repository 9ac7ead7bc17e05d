// sentinel: the KDL of Sentinel (Zentinel), an edge proxy: https://github.com/raskell-io/sentinel. In: the text of a file. Out:
// what it says, as data, and everything wrong with it with line and column. schema/ has every option with what becomes of it.

export type * from './configuration.ts';
export { type ReadConfiguration, readSentinel } from './read.ts';
