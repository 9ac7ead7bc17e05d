/**
 * Which of the names somebody meant who wrote another one: that which it becomes by the fewest changed, missing or added letters,
 * two at most, whatever their case. Undefined for none.
 */
export function nearestName(name: string, names: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const each of names) {
    const steps = distance(each.toLowerCase(), name.toLowerCase());
    if (steps >= least) continue;
    nearest = each;
    least = steps;
  }
  return nearest;
}

/** Letters that have to change; Infinity where those are too many for one to be meant by the other. */
function distance(left: string, right: string): number {
  const most = Math.min(2, Math.floor(Math.min(left.length, right.length) / 2));
  if (Math.abs(left.length - right.length) > most) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...left].entries()) {
    const next = [index + 1];
    for (const [at, other] of [...right].entries())
      next.push(Math.min(row[at + 1]! + 1, next[at]! + 1, row[at]! + (letter === other ? 0 : 1)));
    row = next;
  }
  const steps = row[right.length]!;
  return steps <= most ? steps : Number.POSITIVE_INFINITY;
}
