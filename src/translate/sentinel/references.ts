import type { KdlReport, TextPosition } from '../../kdl/index.ts';
import { nearestName } from '../../plain/index.ts';

/** Says which there are where one is named that is not. */
export function unknownReference(
  report: KdlReport,
  at: TextPosition,
  who: string,
  what: string,
  id: string,
  known: ReadonlySet<string>,
): void {
  const meant = nearestName(id, known);
  const list = known.size === 0 ? 'there is none' : `there is ${[...known].sort().join(', ')}`;
  const end = meant === undefined ? list : `did you mean ${meant}?`;
  report.error(
    'sentinel-unknown-reference',
    at,
    `${who} names the ${what} "${id}", which does not exist; ${end}`,
  );
}
