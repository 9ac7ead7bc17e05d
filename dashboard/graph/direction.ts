import type { Box } from './layout.ts';

/** Keys of arrows and where they point. */
export const ARROWS: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The nearest box in a direction, being beside counting more than being far; undefined where there is none. */
export function nextInDirection(
  boxes: Readonly<Record<string, Box>>,
  from: string,
  [dx, dy]: readonly [number, number],
): string | undefined {
  const here = boxes[from];
  if (here === undefined) return undefined;
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [id, box] of Object.entries(boxes)) {
    const ahead = (box.x - here.x) * dx + (box.y - here.y) * dy;
    if (id === from || ahead <= 1) continue;
    const aside = Math.abs((box.x - here.x) * dy) + Math.abs((box.y - here.y) * dx);
    const distance = ahead + 2.5 * aside;
    if (distance >= least) continue;
    least = distance;
    best = id;
  }
  return best;
}
