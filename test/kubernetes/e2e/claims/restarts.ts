import type { Claim } from '../claim.ts';
import { nothingLost } from '../shop.ts';

export const rollingRestarts: Claim = {
  name: 'rolling restarts of the whole shop under load lose no request and repeat no order',
  async run({ shop, settings }) {
    const report = await shop.underLoad('restarts', async () => {
      for (let round = 0; round < settings.restarts; round++) await shop.restart(shop.loaded);
    });
    return `${settings.restarts} restarts of ${shop.loaded.length} workloads, ${nothingLost(report)}`;
  },
};
