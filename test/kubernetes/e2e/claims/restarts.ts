import type { Claim } from '../claim.ts';
import { nothingLost } from '../shop.ts';

/** However slow the machine is. */
const fewest = 3;

export const rollingRestarts: Claim = {
  name: 'rolling restarts of the whole shop under load lose no request and repeat no order',
  async run({ shop, settings }) {
    const endMs = performance.now() + settings.restartMinutes * 60_000;
    let rounds = 0;
    const report = await shop.underLoad('restarts', async () => {
      for (; rounds < settings.restarts; rounds++) {
        if (rounds >= fewest && performance.now() > endMs) break;
        await shop.restart(shop.loaded);
      }
    });
    return `${rounds} restarts of ${shop.loaded.length} workloads, ${nothingLost(report)}`;
  },
};
