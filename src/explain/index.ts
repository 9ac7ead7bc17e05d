// explain: pure: what proxies wrote down of a request, joined in the order in which it came through them; and from that the
// cause, the object that decided and what to do. In: ProxyRecords of proxies. Out: Explanation, or groups of failures.
//
// To name another cause: a row in causes/, a row in docs/explain.md, and a fault in test/explain/ that brings it about.
export type { Cause, Told } from './cause.ts';
export { causeOfRecord, type ExplainedHop, type Explanation, explain } from './explain.ts';
export { type FailureGroup, groupFailures } from './recent.ts';
export { clusterTools, sandboxTools, type Tools } from './tools.ts';
