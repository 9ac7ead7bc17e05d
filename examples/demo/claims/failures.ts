// Claims about pods that die, fail, and are replaced, all under the steady load.
import { type Claim, count, type DemoContext, eventually, took, type Verdict } from '../claim.ts';
import type { DemoPod } from '../mesh.interface.ts';
import { gauge, type Scrape } from '../metrics/growth.ts';
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

/** Long enough for a machine that has much else to do; what counts are requests. */
const ejectionLimitMs = 12_000;
const whileOutLimitMs = 10_000;
const returnLimitMs = 20_000;
/** So many requests to its siblings show that the ejected pod gets none. */
const enoughRequests = 20;
/** A machine that needs longer to read the metrics cannot see an ejection, which may last no longer. */
const slowScrapeMs = 500;
const directRun = 'ratings';

/** The load generator calls ratings itself; one of its pods answers 503, stays ready, is left out, is mended, is used again. */
export const ejection: Claim = {
  name: 'a failing pod is ejected and comes back',
  run: async context => {
    const { mesh, load } = context;
    const [victim] = await readyPodsOf(mesh, 'ratings');
    const url = `http://ratings:${HTTP_PORT}/ratings/p{n}`;
    await load.start(directRun, { mode: 'open', ratePerSecond: 60, targets: [{ url }] });
    const watch = new EjectionWatch(context, victim!);
    const steps: Partial<Record<'ejectedMs' | 'backMs', number>> & { whileOut?: WhileOut } = {};
    const losses = await lossesDuring(context, async () => {
      await setFault(mesh, victim!, { status: 503 });
      try {
        steps.ejectedMs = await stopwatch(async () => (await watch.look()).ejected, ejectionLimitMs);
        if (steps.ejectedMs === undefined) return;
        steps.whileOut = await eventually(() => watch.whileOut(), whileOutLimitMs);
      } finally {
        await setFault(mesh, victim!, undefined);
      }
      const before = await watch.look();
      const isBack = async () => {
        const now = await watch.look();
        return !now.ejected && now.toVictim > before.toVictim;
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
    return judgeEjection({ ...steps, slowestMs: watch.slowestMs, lost, lostWords, detail });
  },
};

/** What the load generator's proxy thinks of ratings, and what its pods have received from it. */
interface Look {
  /** A pod is out of rotation. */
  readonly ejected: boolean;
  readonly ejections: number;
  readonly underWay: number;
  readonly toVictim: number;
  readonly toSiblings: number;
}

/** What came while one ejection lasted. */
export interface WhileOut {
  /** Requests that the pod received after it was ejected; what its caller had under way by then is not counted. */
  readonly toVictim: number;
  readonly toSiblings: number;
}

class EjectionWatch {
  readonly #context: DemoContext;
  readonly #victim: DemoPod;
  /** The longest that one look took, in milliseconds. */
  slowestMs = 0;

  constructor(context: DemoContext, victim: DemoPod) {
    this.#context = context;
    this.#victim = victim;
  }

  async look(): Promise<Look> {
    const startedMs = performance.now();
    const scrape = await this.#context.scraper.scrape();
    this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs);
    return lookAt(scrape, this.#victim.name);
  }

  /** Follows one ejection until it has seen enough; undefined when it ended before. */
  async whileOut(): Promise<WhileOut | undefined> {
    const first = await this.look();
    for (let now = first; ; now = await this.look()) {
      if (!now.ejected || now.ejections !== first.ejections) return undefined;
      const during = whileOutBetween(first, now);
      if (during.toSiblings >= enoughRequests) return during;
      await pause(50);
    }
  }
}

function lookAt(scrape: Scrape, victim: string): Look {
  const cluster = (name: string) => name.startsWith(`ratings.${SHOP}.`);
  const callers = [...scrape.pods.keys()].filter(name => name.startsWith('loadgen-'));
  const ofCallers = (metric: string) =>
    callers.reduce((sum, caller) => sum + gauge(scrape, metric, { cluster_name: cluster }, caller), 0);
  const fromCallers = { reporter: 'destination', source_workload: 'loadgen' };
  const to = (pod: string) => gauge(scrape, METRICS.requests, fromCallers, pod);
  const siblings = [...scrape.pods.keys()].filter(name => name.startsWith('ratings-') && name !== victim);
  return {
    ejected: ofCallers(METRICS.ejectedNow) > 0,
    ejections: ofCallers(METRICS.ejections),
    underWay: ofCallers(METRICS.underWay),
    toVictim: to(victim),
    toSiblings: siblings.reduce((sum, name) => sum + to(name), 0),
  };
}

/** Of two looks at one ejection. */
export function whileOutBetween(first: Omit<Look, 'ejected' | 'ejections'>, last: typeof first): WhileOut {
  return {
    toVictim: Math.max(0, last.toVictim - first.toVictim - first.underWay),
    toSiblings: last.toSiblings - first.toSiblings,
  };
}

/** What the ejection claim measured; what is undefined did not come. */
export interface EjectionSteps {
  readonly ejectedMs?: number | undefined;
  readonly backMs?: number | undefined;
  readonly whileOut?: WhileOut | undefined;
  /** The longest that reading all metrics took, in milliseconds. */
  readonly slowestMs: number;
  readonly lost: number;
  readonly lostWords: string;
  readonly detail: readonly string[];
}

/**
 * Ejected, nothing sent to it from then on, back, nobody noticed. What a slow machine cannot show is skipped; a lost request
 * never is.
 */
export function judgeEjection(steps: EjectionSteps): Verdict {
  const { ejectedMs, backMs, whileOut, slowestMs, lost, lostWords, detail } = steps;
  const unseen = (what: string): Verdict => {
    const tooSlow = lost === 0 && slowestMs > slowScrapeMs;
    const why = `this machine is too busy: reading the metrics took up to ${took(slowestMs)}; `;
    return {
      result: tooSlow ? 'skip' : 'fail',
      figure: `${tooSlow ? why : ''}${what}; ${lostWords}`,
      detail,
    };
  };
  if (ejectedMs === undefined) return unseen(`not ejected by its caller within ${took(ejectionLimitMs)}`);
  if (whileOut === undefined)
    return unseen(`out after ${took(ejectedMs)}, but never while ${enoughRequests} requests went elsewhere`);
  const out = `out after ${took(ejectedMs)}, then ${whileOut.toVictim} requests to it and ${whileOut.toSiblings} elsewhere`;
  if (whileOut.toVictim > 0 || lost > 0) return { result: 'fail', figure: `${out}; ${lostWords}`, detail };
  if (backMs === undefined) return unseen(`${out}, not back within ${took(returnLimitMs)}`);
  return { result: 'pass', figure: `${out}, back ${took(backMs)} after it was mended; ${lostWords}`, detail };
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
