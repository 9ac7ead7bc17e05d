import type { Report } from '../report.ts';

/** What a kind of Middleware is read with. */
export interface MiddlewareContext {
  /** Of the Middleware. */
  readonly namespace: string;
  readonly name: string;
  readonly clusterDomain: string;
  readonly report: Report;
}
