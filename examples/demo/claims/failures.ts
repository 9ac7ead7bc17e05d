// Claims about pods that die, fail, and are replaced, all under the steady load.
import { type Claim, count, type DemoContext, eventually, took, type Verdict } from '../claim.ts';
import type { DemoPod } from '../mesh.interface.ts';
import { Growth, gauge, type Scrape } from '../metrics/growth.ts';
import { METRICS } from '../metrics/names.ts';
import { HTTP_PORT, readyPodsOf, repeatedOrders, SHOP, setFault } from '../shop.ts';
import { lossesDuring, lostOf } from './losses.ts';

/** The app and the proxy of a catalog and of a storefront pod get SIGKILL; the mesh has to send their requests elsewhere. */
export const killedPod: Claim = {
  name: 'a pod killed under load loses no idempotent request',
  run: async context => {
    const { mesh } = context;
    const losses = await lossesDuring(context, async () => {
      for (const app of ['catalog', 'storefront']) {
        const [victim] = await readyPodsOf(mesh, app);
        await mesh.kill(victim!);
        await pause(1_200);
      }
      for (const app of ['catalog', 'storefront']) await readyPodsOf(mesh, app);
    });
    return {
      result: losses.idempotent === 0 && losses.repeatedOrders === 0 && losses.requests > 0 ? 'pass' : 'fail',
      figure: `one of catalog and one of storefront killed; ${lostOf(losses.idempotent, losses)}, ${losses.repeatedOrders} orders repeated`,
      detail: losses.detail,
    };
  },
};

const ejectionLimitMs = 8_000;
const returnLimitMs = 20_000;
const directRun = 'ratings';

/** The load generator calls ratings itself; one of its pods answers 503, stays ready, is left out, is mended, is used again. */
export const ejection: Claim = {
  name: 'a failing pod is ejected and comes back',
  run: async context => {
    const { mesh, load, scraper } = context;
    const [victim] = await readyPodsOf(mesh, 'ratings');
    const url = `http://ratings:${HTTP_PORT}/ratings/p{n}`;
    await load.start(directRun, { mode: 'open', ratePerSecond: 60, targets: [{ url }] });
    const steps: Partial<Record<'ejectedMs' | 'backMs' | 'whileOut', number>> = {};
    const losses = await lossesDuring(context, async () => {
      await setFault(mesh, victim!, { status: 503 });
      try {
        steps.ejectedMs = await stopwatch(async () => isEjected(await scraper.scrape()), ejectionLimitMs);
        if (steps.ejectedMs === undefined) return;
        steps.whileOut = await receivedWithin(context, victim!, 1_000);
      } finally {
        await setFault(mesh, victim!, undefined);
      }
      const before = await scraper.scrape();
      const isBack = async () => {
        const now = await scraper.scrape();
        return !isEjected(now) && receivedSince(before, now, victim!) > 0;
      };
      steps.backMs = await stopwatch(isBack, returnLimitMs);
    });
    const direct = await load.stop(directRun);
    const lost = direct.lostIdempotent + losses.idempotent;
    const lostWords = `${count(lost)} of ${count(direct.sent + losses.requests)} requests lost`;
    const detail = [
      ...direct.failures.map(failure => `${failure.request}: ${failure.reason}`),
      ...losses.detail,
    ];
    return judgeEjection({ ...steps, lost, lostWords, detail });
  },
};

/** Whether the load generator's proxy has a pod of ratings out of rotation. */
function isEjected(scrape: Scrape): boolean {
  const cluster = (name: string) => name.startsWith(`ratings.${SHOP}.`);
  const callers = [...scrape.pods.keys()].filter(name => name.startsWith('loadgen-'));
  return callers.some(caller => gauge(scrape, METRICS.ejectedNow, { cluster }, caller) > 0);
}

async function receivedWithin({ scraper }: DemoContext, pod: DemoPod, ms: number): Promise<number> {
  const before = await scraper.scrape();
  await pause(ms);
  return receivedSince(before, await scraper.scrape(), pod);
}

/** Requests of the load generator that the pod's proxy counted between two scrapes. */
function receivedSince(before: Scrape, after: Scrape, pod: DemoPod): number {
  return new Growth(before, after).sum(
    METRICS.requests,
    { reporter: 'destination', source_workload: 'loadgen' },
    pod.name,
  );
}

/** What the ejection claim measured; a time that is undefined did not come. */
export interface EjectionSteps {
  readonly ejectedMs?: number | undefined;
  readonly backMs?: number | undefined;
  /** Requests that reached the pod in one second while it was out. */
  readonly whileOut?: number | undefined;
  readonly lost: number;
  readonly lostWords: string;
  readonly detail: readonly string[];
}

/** Ejected in time, nothing sent to it meanwhile, back in time, nobody noticed. */
export function judgeEjection(steps: EjectionSteps): Verdict {
  const { ejectedMs, backMs, whileOut, lost, lostWords, detail } = steps;
  if (ejectedMs === undefined) {
    return {
      result: 'fail',
      figure: `not ejected by its callers within ${took(ejectionLimitMs)}; ${lostWords}`,
      detail,
    };
  }
  const out = `out after ${took(ejectedMs)}, ${whileOut ?? 0} requests in the next second`;
  if (backMs === undefined) {
    return { result: 'fail', figure: `${out}, not back within ${took(returnLimitMs)}; ${lostWords}`, detail };
  }
  return {
    result: whileOut === 0 && lost === 0 ? 'pass' : 'fail',
    figure: `${out}, back ${took(backMs)} after it was mended; ${lostWords}`,
    detail,
  };
}

/** Every Deployment and the StatefulSet of the shop is restarted, a few at a time, and each pod replaced. */
export function rollingRestart(lanes: readonly (readonly (string | Promise<unknown>)[])[]): Claim {
  return {
    name: 'a rolling restart of each service under load loses nothing',
    run: async context => {
      const { mesh } = context;
      const workloads = lanes.flat().filter(step => typeof step === 'string');
      const member = (pod: DemoPod) => pod.namespace === SHOP && workloads.includes(pod.workload);
      const before = new Set((await mesh.pods()).filter(member).map(pod => pod.uid));
      const started = performance.now();
      const times = new Map<string, number>();
      const losses = await lossesDuring(context, async () => {
        await Promise.all(
          lanes.map(async lane => {
            for (const step of lane) {
              const begun = performance.now();
              if (typeof step !== 'string') await step;
              else await mesh.restart(SHOP, step).then(() => times.set(step, performance.now() - begun));
            }
          }),
        );
      });
      const ms = performance.now() - started;
      const after = (await mesh.pods()).filter(member);
      const kept = after.filter(pod => before.has(pod.uid));
      const lost = losses.idempotent + losses.other;
      return {
        result:
          lost === 0 && losses.repeatedOrders === 0 && kept.length === 0 && losses.requests > 0
            ? 'pass'
            : 'fail',
        figure:
          `${workloads.length} workloads, ${after.length - kept.length} of ${after.length} pods replaced in ` +
          `${took(ms)} (${slowest(times)}); ${lostOf(lost, losses)}`,
        detail: [...losses.detail, ...kept.map(pod => `${pod.name} was not replaced`)],
      };
    },
  };
}

function slowest(times: ReadonlyMap<string, number>): string {
  const [name, ms] = [...times].sort(([, a], [, b]) => b - a)[0] ?? ['nothing', 0];
  return `${name} took ${took(ms)}`;
}

/** No order reached a cart twice, in the whole run: read off the logs of every cart pod there was. */
export function noOrderTwice(cartPods: ReadonlyMap<string, { namespace: string; name: string }>): Claim {
  return {
    name: 'no order was delivered twice, whatever happened',
    run: async ({ mesh }) => {
      const logs = await Promise.all([...cartPods.values()].map(pod => mesh.logs(pod)));
      const orders = logs.reduce((sum, log) => sum + (log.match(/\border \S+/g)?.length ?? 0), 0);
      const repeated = repeatedOrders(logs);
      return {
        result: repeated.length === 0 && orders > 0 ? 'pass' : 'fail',
        figure: `${count(orders)} orders in the logs of ${cartPods.size} cart pods, ${repeated.length} of them twice`,
        detail: repeated.slice(0, 10),
      };
    },
  };
}

async function stopwatch(reached: () => Promise<boolean>, limitMs: number): Promise<number | undefined> {
  const started = performance.now();
  return eventually(async () => ((await reached()) ? performance.now() - started : undefined), limitMs);
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
