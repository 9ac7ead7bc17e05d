// Who answers which kind of question that the control plane asks a proxy; see src/live. The same on every thread.
import type { AnswererTable } from '../live/index.ts';
import type { DataPlane } from '../proxy/index.ts';

/** The answerers of one thread. `plane` is asked only when a question has come. */
export function proxyAnswerers(_plane: () => DataPlane): AnswererTable {
  return {};
}
