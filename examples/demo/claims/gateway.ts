// The claim about the gateway: who opens the shop at its address gets the storefront's pages, and every hop from there on is of
// the mesh.
import { callText } from '../call.ts';
import { type Claim, count, type DemoContext, eventually, type Verdict } from '../claim.ts';
import { GATEWAY, shopAddress } from '../gateway/gateway.ts';
import { Growth, type Scrape } from '../metrics/growth.ts';
import { parsePrometheus } from '../metrics/prometheus.ts';
import { podsOf } from '../shop.ts';
import { edgesOf } from './edges.ts';

const pages = 20;
/** Of the shop: p1 to p5. */
const products = 5;
const healthPort = 15020;
const answerLimitMs = 15_000;
const name = 'a page through the gateway comes by mutual TLS, and is counted at both ends';

/** Pages are asked for at the address that the demo prints. */
export const gatewayPages: Claim = {
  name,
  run: async context => {
    const { mesh } = context;
    if (!mesh.transparent)
      return { result: 'skip', figure: 'needs root: without a network of its own the shop has no gateway' };
    const address = await shopAddress(mesh);
    if (address === undefined) throw new Error(`the gateway has no address: Service ${GATEWAY.service}`);
    const before = await scrape(context);
    const answers: string[] = [];
    for (let page = 0; page < pages; page++)
      answers.push(await answerTo(`${address}/products/p${1 + (page % products)}`));
    // A proxy may count a request a moment after its caller has the answer.
    const grown = async () => new Growth(before, await scrape(context));
    const settled = await eventually(
      async () => {
        const growth = await grown();
        return throughGateway(growth, 'source').count >= pages &&
          throughGateway(growth, 'destination').count >= pages
          ? growth
          : undefined;
      },
      2_000,
      200,
    );
    return judgeGateway(answers, settled ?? (await grown()));
  },
};

/** Of an answer: its status, or why there is none; and which pod of which service wrote it. */
async function answerTo(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(answerLimitMs) });
    await answer.arrayBuffer();
    const [servedBy = ''] = (answer.headers.get('served-by') ?? '').split('/');
    return `${answer.status} ${servedBy}`;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/** The shop's proxies, and beside them those of the gateway, which are nobody's sidecars. */
async function scrape({ mesh, scraper }: DemoContext): Promise<Scrape> {
  const shop = await scraper.scrape();
  const own = await Promise.all(
    (await podsOf(mesh, GATEWAY.app)).map(async pod => {
      const text = await callText({ mesh, pod, port: healthPort, path: '/stats/prometheus' });
      return [pod.name, parsePrometheus(text)] as const;
    }),
  );
  return { atMs: shop.atMs, pods: new Map([...shop.pods, ...own]) };
}

function throughGateway(growth: Growth, reporter: 'source' | 'destination') {
  const found = edgesOf(growth).find(
    edge => edge.reporter === reporter && edge.from === GATEWAY.account && edge.to === 'storefront',
  );
  return { count: found?.count ?? 0, mutual: found?.mutual ?? 0 };
}

/**
 * `answers` are as `200 storefront`. The gateway has counted each once; the storefront's proxies have counted each, and what had
 * to be tried again more than once; all with both identities.
 */
export function judgeGateway(answers: readonly string[], growth: Growth): Verdict {
  const good = answers.filter(answer => answer === '200 storefront').length;
  const sent = throughGateway(growth, 'source');
  const received = throughGateway(growth, 'destination');
  const isWhole =
    good === answers.length && sent.count === answers.length && received.count >= answers.length;
  const isMutual = sent.mutual === sent.count && received.mutual === received.count;
  return {
    result: isWhole && isMutual && good > 0 ? 'pass' : 'fail',
    figure:
      `${count(good)} of ${count(answers.length)} pages answered by the storefront; the gateway counted ${count(sent.count)}, ` +
      `${count(sent.mutual)} of them over mutual TLS, the storefront ${count(received.count)} and ${count(received.mutual)}`,
    detail: [...new Set(answers.filter(answer => answer !== '200 storefront'))],
  };
}
