import type { TranslateContext } from '../dialect.ts';
import type { Report } from '../report.ts';

/** The object that is read: what its pieces need to know of it. */
export interface Reading {
  readonly namespace: string;
  readonly context: TranslateContext;
  readonly report: Report;
  /** Of routes: whether gateways choose by them, too, which know what tokens say. */
  readonly isForGateways?: boolean;
  /** Of routes: the gateway that they are read for, `NAMESPACE/NAME`; undefined for the mesh. */
  readonly gateway?: string;
}
