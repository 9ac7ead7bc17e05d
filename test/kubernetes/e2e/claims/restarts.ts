import { availableParallelism } from 'node:os';
import type { Claim } from '../claim.ts';
import { nothingLost } from '../shop.ts';

/** However slow the machine is. */
const fewest = 3;
/**
 * A pod that starts takes a core for a second or two: with more of them at once than cores it is the node's scheduler that is
 * tried.
 */
const atOnce = availableParallelism();

export const rollingRestarts: Claim = {
  name: 'rolling restarts of the whole shop under load lose no request and repeat no order',
  async run({ shop, settings }) {
    const endMs = performance.now() + settings.restartMinutes * 60_000;
    let rounds = 0;
    const report = await shop.underLoad('restarts', async () => {
      for (; rounds < settings.restarts; rounds++) {
        if (rounds >= fewest && performance.now() > endMs) break;
        await shop.restart(shop.loaded, atOnce);
      }
    });
    return `${rounds} restarts of ${shop.loaded.length} workloads, ${atOnce} at a time, ${nothingLost(report)}`;
  },
};
