// Claims about gRPC: calls of one connection are spread one by one, and a call whose status in trailers says that it failed is
// repeated.
import type { Report } from '../../load/tally.ts';
import { type Claim, count, type DemoContext, type Verdict } from '../claim.ts';
import { Growth } from '../metrics/growth.ts';
import { podsOf, SHOP, setFault, URLS } from '../shop.ts';
import { edgesOf } from './edges.ts';

const calls = 600;
const perSecond = 400;
/** The least and the most that a pod may get, as shares of what an even spread would give it. */
const leastShare = 0.5;
const mostShare = 1.6;
/** gRPC's UNAVAILABLE. */
const unavailable = 14;

const run = ({ load }: DemoContext, name: string, number: number): Promise<Report> =>
  load.run(name, { mode: 'open', ratePerSecond: perSecond, count: number, targets: [{ url: URLS.price }] });

/** A gRPC client keeps one connection to a Service; without a mesh one pod has all of its calls. */
export const grpcSpread: Claim = {
  name: 'gRPC calls on one connection are spread over the pods',
  run: async context => {
    const pods = await podsOf(context.mesh, 'offers');
    return judgeGrpcSpread(await run(context, 'grpc-spread', calls), pods.length);
  },
};

/** Each pod has about its share of the calls of one channel, and none failed. */
export function judgeGrpcSpread(report: Report, pods: number): Verdict {
  const answers = Object.entries(report.servedBy);
  const shares = answers.map(([, value]) => (value * pods) / Math.max(1, report.ok));
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  const good = answers.length === pods && report.failed === 0 && least >= leastShare && most <= mostShare;
  return {
    result: good ? 'pass' : 'fail',
    figure:
      `${count(report.ok)} of ${count(report.sent)} calls of one channel answered by ${answers.length} of ${pods} pods, ` +
      `each with ${least.toFixed(2)} to ${most.toFixed(2)} of an even share`,
    detail: [
      ...answers.map(([name, value]) => `${name}: ${value}`),
      ...report.failures.map(({ reason }) => reason),
    ],
  };
}

/** One pod answers UNAVAILABLE in trailers, behind headers that say 200. */
export const grpcRetried: Claim = {
  name: 'a gRPC call that fails in its trailers is retried',
  run: async context => {
    const { mesh, scraper } = context;
    const [failing] = await podsOf(mesh, 'offers');
    if (failing === undefined) throw new Error(`there is no pod of offers in ${SHOP}`);
    await setFault(mesh, failing, { status: unavailable, path: '/shop.Offers/' });
    try {
      const before = await scraper.scrape();
      const report = await run(context, 'grpc-retried', calls / 2);
      const growth = new Growth(before, await scraper.scrape());
      const tries = edgesOf(growth)
        .filter(edge => edge.reporter === 'destination' && edge.from === 'loadgen' && edge.to === 'offers')
        .reduce((sum, edge) => sum + edge.count, 0);
      return judgeGrpcRetried(report, tries, `offers/${failing.name}/`);
    } finally {
      await setFault(mesh, failing, undefined);
    }
  },
};

/** Every call is answered, by pods that do not fail, and some were tried more than once. */
export function judgeGrpcRetried(report: Report, tries: number, failing: string): Verdict {
  const fromFailing = Object.keys(report.servedBy).some(name => name.startsWith(failing));
  const repeated = tries - report.sent;
  return {
    result: report.failed === 0 && report.ok > 0 && !fromFailing && repeated > 0 ? 'pass' : 'fail',
    figure:
      `one pod of offers said UNAVAILABLE in trailers: ${count(report.ok)} of ${count(report.sent)} calls answered, ` +
      `${count(Math.max(0, repeated))} of them at the second try`,
    detail: report.failures.map(({ reason }) => reason),
  };
}
