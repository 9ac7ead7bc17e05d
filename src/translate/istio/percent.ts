import type { Fields } from '../fields.ts';

/**
 * A percentage: `percentage: {value: 0.5}`, or the older whole number under one of `deprecated`. Undefined where none is given.
 */
export function readPercent(
  owner: Fields,
  name: string,
  deprecated: readonly string[] = [],
): number | undefined {
  const percentage = owner.object(name);
  const value = percentage?.decimal('value', { max: 100 });
  percentage?.rest();
  const older = deprecated.map(each => owner.number(each, { max: 100 })).find(each => each !== undefined);
  // An empty percentage is 0, as everywhere in protobuf.
  return percentage ? (value ?? 0) : older;
}
