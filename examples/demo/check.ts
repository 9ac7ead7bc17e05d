// The unattended demo: proves every claim in under a minute. The plan, in seconds from the start on two cores:
//
//    0  the sandbox comes up with the shop and its gateway: 22 pods, all ready
//    6  warm-up; then, while nothing else goes on: greetings, headers, one burst, from which four claims are read, gRPC, and
//      pages through the gateway
//   15  steady load begins and goes on until 34; in parallel from here on:
//         ratings   one pod fails and is ejected, mended, back in rotation; then ratings is restarted
//         the rest  the retry budget (3 s) beside strict mode, then two pods are killed,
//                   then every other workload is restarted, two at a time
//   34  the load ends; the orders in the logs are counted; everything is taken down
//
// On a busy machine each step takes longer; the limits of the steps leave room for that.
// Claims that could hide each other's failures do not overlap on the same service: ratings is left alone until its failing
// pod is back, and kills are over before restarts begin.
import { type Claim, type DemoContext, type Judged, judge } from './claim.ts';
import { ejection, killedPod, noOrderTwice, rollingRestart } from './claims/failures.ts';
import { gatewayPages } from './claims/gateway.ts';
import { grpcRetried, grpcSpread } from './claims/grpc.ts';
import { STEADY } from './claims/losses.ts';
import { retryBudget, strictMode } from './claims/policy.ts';
import { measureBurst, quietClaims } from './claims/quiet.ts';
import { headersKept, serverFirst } from './claims/wire.ts';
import { podsOf, steadyLoad } from './shop.ts';

const warmUpRequests = 300;
const burstRequests = 660;
const steadyPerSecond = 80;
/** Against claims that hang; how fast things are is for the claims themselves to say. */
const claimLimitMs = 120_000;

/** Runs every claim by the plan above; `tell` hears of each verdict as it falls. */
export async function check(context: DemoContext, tell: (judged: Judged) => void): Promise<Judged[]> {
  const all: Judged[] = [];
  const show = async (claim: Claim): Promise<void> => {
    const judged = await judge(claim, context, claimLimitMs);
    all.push(judged);
    tell(judged);
  };

  await warmUp(context);
  await show(serverFirst);
  await show(headersKept);
  const burst = measureBurst(context, burstRequests);
  // Each of the claims says why when the burst failed; this one handler keeps Node from calling it unhandled before.
  burst.catch(() => {});
  await Promise.all(quietClaims(burst).map(show));
  await show(grpcSpread);
  await show(grpcRetried);
  await show(gatewayPages);

  const carts = new CartWatch(context);
  await context.load.start(STEADY, steadyLoad(steadyPerSecond));
  const ejected = show(ejection);
  await Promise.all([show(retryBudget), show(strictMode)]);
  await show(killedPod);
  await show(
    rollingRestart([
      ['storefront', 'reviews-v1', 'stock'],
      ['catalog', 'reviews-v2', 'cart', 'offers'],
      [ejected, 'ratings'],
    ]),
  );
  await ejected;
  await context.load.stop(STEADY);
  await show(noOrderTwice(await carts.stop()));
  return all;
}

/** Every proxy learns its destinations and every program has run its code before anything is counted or timed. */
async function warmUp(context: DemoContext): Promise<void> {
  const report = await context.load.run('warm-up', { ...steadyLoad(120), count: warmUpRequests });
  if (report.ok > 0) return;
  const [first] = report.failures;
  throw new Error(
    `the shop does not answer: ${first ? `${first.request}: ${first.reason}` : 'no answer at all'}`,
  );
}

/** Remembers every cart pod there ever was, because their logs are read when some are gone. */
class CartWatch {
  readonly #seen = new Map<string, { namespace: string; name: string }>();
  readonly #context: DemoContext;
  readonly #timer: NodeJS.Timeout;

  constructor(context: DemoContext) {
    this.#context = context;
    this.#timer = setInterval(() => {
      // A look that fails is made up for by the next one.
      this.#look().catch(() => {});
    }, 500);
  }

  async stop(): Promise<ReadonlyMap<string, { namespace: string; name: string }>> {
    clearInterval(this.#timer);
    await this.#look();
    return this.#seen;
  }

  async #look(): Promise<void> {
    for (const { uid, namespace, name } of await podsOf(this.#context.mesh, 'cart')) {
      this.#seen.set(uid, { namespace, name });
    }
  }
}
