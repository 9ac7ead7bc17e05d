// live: questions to running proxies and their answers. In the proxy, on each of its threads: Answering, with a table of who
// answers which kind (`AnswererTable`; main/proxy-answers.ts fills it). In the control plane: Live, which asks one, some or all
// of the proxies that are connected, over their discovery streams. In: questions. Out: items, how many were left out, failures.
//
// To answer another kind of question: write an Answerer, and add a row in main/proxy-answers.ts.
export type { Answerer, AnswererTable, Asker } from './answerer.ts';
export { Answering, type AnsweringOptions } from './answering.ts';
export { Live, type LiveListener, type LiveQuestion } from './live.ts';
