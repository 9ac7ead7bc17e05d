/** The known name that is nearest to `name`; undefined where none is near. Underscores and capitals count for nothing. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const plain = name.toLowerCase().replaceAll('_', '-');
  let best: string | undefined;
  let least = Math.max(2, Math.floor(plain.length / 4)) + 1;
  for (const each of known) {
    const distance = distanceOf(plain, each);
    if (distance < least) [best, least] = [each, distance];
  }
  return best;
}

/** How many letters must be put in, taken out or changed (Levenshtein). */
function distanceOf(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const changed = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}
