// Claims about limits: the retry budget, and strict mutual TLS.

import { callJson } from '../call.ts';
import { type Claim, count, type DemoContext, eventually, took, type Verdict } from '../claim.ts';
import { Growth } from '../metrics/growth.ts';
import { HTTP_PORT, podsOf, SHOP, setFault } from '../shop.ts';
import { edgesOf } from './edges.ts';
import { lossesDuring, lostOf } from './losses.ts';

/** Weft's defaults (src/model/traffic.ts): in ten seconds retries may add a fifth of the requests and a hundred more. */
const budgetRatio = 0.2;
const budgetPerSecond = 10;
const budgetSeconds = 10;

/** Half of the answers of every catalog pod to one path are 503, at a rate that unlimited retries would nearly double. */
export const retryBudget: Claim = {
  name: 'retries stay within their budget',
  run: async context => {
    const pods = await podsOf(context.mesh, 'catalog');
    const each = (fault: object | undefined) =>
      Promise.all(pods.map(pod => setFault(context.mesh, pod, fault)));
    await each({ status: 503, share: 0.5, path: '/budget' });
    const before = await context.scraper.scrape();
    const report = await context.load.run('budget', {
      targets: [{ url: `http://catalog:${HTTP_PORT}/budget` }],
      mode: 'open',
      ratePerSecond: 400,
      durationMs: 3_000,
    });
    const after = await context.scraper.scrape();
    await each(undefined);
    // The window may still hold what was sent before, and that is part of the budget.
    const earlier = received(new Growth(undefined, before));
    return judgeBudget(report.sent, received(new Growth(before, after)), report.elapsedMs / 1000, earlier);
  },
};

/** How much of the load generator catalog has got. */
function received(growth: Growth): number {
  return edgesOf(growth)
    .filter(edge => edge.reporter === 'destination' && edge.from === 'loadgen' && edge.to === 'catalog')
    .reduce((sum, edge) => sum + edge.count, 0);
}

/**
 * `tries` is what reached the pods for `sent` requests; `earlier` requests may be in the budget's window beside them. Some
 * retries there must be, else nothing was shown.
 */
export function judgeBudget(sent: number, tries: number, seconds: number, earlier = 0): Verdict {
  const retries = (sent + earlier) * budgetRatio + budgetPerSecond * Math.max(budgetSeconds, seconds);
  const allowed = Math.ceil(sent + retries);
  const ratio = sent === 0 ? 0 : tries / sent;
  return {
    result: tries <= allowed && ratio >= 1.05 ? 'pass' : 'fail',
    figure:
      `half of the answers were 503: ${count(sent)} requests became ${count(tries)} tries (${ratio.toFixed(2)} times; ` +
      `allowed ${(allowed / Math.max(1, sent)).toFixed(2)}, without a budget 1.75)`,
  };
}

const strict = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: cart-strict, namespace: ${SHOP} }
spec:
  selector: { matchLabels: { app: cart } }
  mtls: { mode: STRICT }
`;

/** What the visitor outside the mesh saw. */
export interface Visit {
  readonly status?: number;
  readonly error?: string;
  readonly text?: string;
  readonly tookMs: number;
}

/** The visitor outside the mesh may call cart, then may not, then may again; calls inside the mesh do not notice. */
export const strictMode: Claim = {
  name: 'strict mode refuses plaintext and says why',
  run: async context => {
    const { mesh } = context;
    if (!mesh.transparent)
      return { result: 'skip', figure: 'needs root: without interception the app itself is reached' };
    const open = await visit(context);
    let refused: Visit | undefined;
    let refusedMs = 0;
    const losses = await lossesDuring(context, async () => {
      const started = performance.now();
      await mesh.apply('cart-strict', strict);
      refused = await eventually(async () => isRefused(await visit(context)), 6_000);
      refusedMs = performance.now() - started;
    });
    const reason = refused && (reasonIn(refused.text ?? '') ?? (await reasonInLogs(context)));
    await mesh.remove('cart-strict');
    const again = await eventually(async () => {
      const seen = await visit(context);
      return seen.status === 200 ? seen : undefined;
    }, 6_000);
    const lost = losses.idempotent + losses.other;
    return judgeStrict({
      open,
      refused,
      refusedMs,
      reason,
      again,
      lost,
      lostWords: lostOf(lost, losses),
      detail: losses.detail,
    });
  },
};

/** What the strict claim measured. */
export interface StrictSteps {
  readonly open: Visit;
  readonly refused: Visit | undefined;
  readonly refusedMs: number;
  readonly reason: string | undefined;
  readonly again: Visit | undefined;
  readonly lost: number;
  readonly lostWords: string;
  readonly detail: readonly string[];
}

/** Answered before, refused with a reason while strict, answered after, nothing lost inside. */
export function judgeStrict(steps: StrictSteps): Verdict {
  const { open, refused, refusedMs, reason, again, lost, lostWords, detail } = steps;
  const fail = (figure: string): Verdict => ({ result: 'fail', figure, detail });
  if (open.status !== 200) return fail(`plaintext was not answered before: ${open.status ?? open.error}`);
  if (!refused) return fail(`plaintext is still answered ${took(refusedMs)} after the policy`);
  if (!reason) return fail(`plaintext is refused (${refused.status ?? refused.error}) and nothing says why`);
  if (!again) return fail('plaintext is not answered again without the policy');
  return {
    result: lost === 0 ? 'pass' : 'fail',
    figure: `plaintext refused ${took(refusedMs)} after the policy, "${reason}"; inside the mesh ${lostWords}`,
    detail,
  };
}

/** The first words of an answer or log line that refuses plaintext and names the policy; undefined when there are none. */
export function reasonIn(text: string): string | undefined {
  for (const line of text.split('\n').reverse()) {
    if (!/plaintext/i.test(line) || !/strict|mutual TLS only/i.test(line)) continue;
    const message = /"(?:msg|reason|message|error)":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? line;
    return message.split('; ')[0]!.trim().slice(0, 160);
  }
  return undefined;
}

async function reasonInLogs({ mesh }: DemoContext): Promise<string | undefined> {
  return eventually(async () => {
    const logs = await Promise.all((await podsOf(mesh, 'cart')).map(pod => mesh.logs(pod)));
    return logs.map(reasonIn).find(reason => reason !== undefined);
  }, 2_000);
}

function isRefused(seen: Visit): Visit | undefined {
  return seen.status === undefined || seen.status === 403 || seen.status === 426 ? seen : undefined;
}

async function visit({ mesh }: DemoContext): Promise<Visit> {
  const visitor = (await mesh.pods()).find(pod => pod.app === 'visitor');
  if (!visitor) throw new Error('there is no visitor pod outside the mesh');
  const target = encodeURIComponent(`http://cart.${SHOP}:${HTTP_PORT}/carts/visitor`);
  return callJson<Visit>({ mesh, pod: visitor, port: HTTP_PORT, path: `/visit?url=${target}` });
}
