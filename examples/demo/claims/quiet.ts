// Claims that are read off one burst of requests while nothing else goes on: interception, identities, spread, sums.
import type { Report } from '../../load/tally.ts';
import { type Claim, count, type DemoContext, eventually, type Verdict } from '../claim.ts';
import type { PlanRequest } from '../load-client.ts';
import { Growth } from '../metrics/growth.ts';
import { HTTP_SERVICES, podsOf, statsOf, URLS } from '../shop.ts';
import { type Edge, edgesOf } from './edges.ts';

/** What the burst left behind, for the four claims. */
export interface Burst {
  readonly report: Report;
  /** Of all proxies, over the burst. */
  readonly growth: Growth;
  /** Of the time since the pods started: TCP connections are opened once and kept. */
  readonly sinceStart: Growth;
  /** How many requests each service says it served. */
  readonly served: Readonly<Record<string, number>>;
  /** Environment variables of the apps that name a proxy. */
  readonly proxySettings: readonly string[];
}

/** Pages and orders, ten to one, in this number. */
export function burstPlan(requests: number): PlanRequest {
  const targets = [
    { url: URLS.page, weight: 10 },
    { url: URLS.order, method: 'POST', weight: 1 },
  ];
  return { mode: 'open', ratePerSecond: 150, count: requests, targets };
}

/** Sends the burst and reads every counter before and after. */
export async function measureBurst(context: DemoContext, requests: number): Promise<Burst> {
  const statsBefore = await served(context);
  const before = await context.scraper.scrape();
  const report = await context.load.run('burst', burstPlan(requests));
  // A proxy may count a request a moment after its caller has the answer: wait for the sum, and look once if it never comes.
  const orders = report.methods.POST?.sent ?? 0;
  const wanted = 2 * (report.sent + 4 * (report.sent - orders));
  const settled = async () => {
    const scrape = await context.scraper.scrape();
    const sum = edgesOf(new Growth(before, scrape)).reduce((total, edge) => total + edge.count, 0);
    return sum >= wanted ? scrape : undefined;
  };
  await eventually(settled, 2_000, 200);
  const after = await context.scraper.scrape();
  const statsAfter = await served(context);
  return {
    report,
    growth: new Growth(before, after),
    sinceStart: new Growth(undefined, after),
    served: Object.fromEntries(
      HTTP_SERVICES.map(app => [app, statsAfter.served[app]! - statsBefore.served[app]!]),
    ),
    proxySettings: statsAfter.proxySettings,
  };
}

async function served({ mesh }: DemoContext): Promise<Pick<Burst, 'served' | 'proxySettings'>> {
  const sums: Record<string, number> = {};
  const proxySettings: string[] = [];
  for (const app of HTTP_SERVICES) {
    const all = await Promise.all((await podsOf(mesh, app)).map(pod => statsOf(mesh, pod)));
    sums[app] = all.reduce((sum, stats) => sum + stats.served, 0);
    proxySettings.push(...all.flatMap(stats => stats.proxySettings));
  }
  return { served: sums, proxySettings };
}

/** The four claims, all read off the same burst. */
export function quietClaims(burst: Promise<Burst>): Claim[] {
  return [
    {
      name: 'interception is transparent, the apps know nothing of it',
      run: async ({ mesh }) => judgeInterception(await burst, mesh.transparent),
    },
    {
      name: 'every hop is mutual TLS between the right identities',
      run: async () => judgeIdentities(await burst),
    },
    {
      name: 'load is spread over the pods',
      run: async ({ mesh }) => judgeSpread(await burst, await counts(mesh)),
    },
    { name: 'the metrics add up to the requests sent', run: async () => judgeSums(await burst) },
  ];
}

async function counts(mesh: DemoContext['mesh']): Promise<Record<string, number>> {
  const entries = HTTP_SERVICES.map(async app => [app, (await podsOf(mesh, app)).length] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** What every app says it served is what its proxy saw, and no app was told of a proxy. */
export function judgeInterception(burst: Burst, transparent: boolean): Verdict {
  if (!transparent) {
    return { result: 'skip', figure: 'needs root and iptables; here the apps use explicit proxy addresses' };
  }
  const seen: Record<string, number> = {};
  for (const edge of edgesOf(burst.growth)) {
    if (edge.reporter === 'destination') seen[edge.to] = (seen[edge.to] ?? 0) + edge.count;
  }
  const apps = Object.keys(burst.served);
  const total = apps.reduce((sum, app) => sum + burst.served[app]!, 0);
  const totalSeen = apps.reduce((sum, app) => sum + (seen[app] ?? 0), 0);
  const wrong = apps.filter(app => burst.served[app] !== (seen[app] ?? 0));
  const told = burst.proxySettings;
  return {
    result: wrong.length === 0 && told.length === 0 && total > 0 ? 'pass' : 'fail',
    figure:
      `${apps.length} apps answered ${count(total)} requests, their proxies saw ${count(totalSeen)}; ` +
      (told.length === 0 ? 'no app has a proxy setting' : `apps have ${[...new Set(told)].join(', ')}`),
    detail: wrong.map(app => `${app} served ${burst.served[app]}, its proxies saw ${seen[app] ?? 0}`),
  };
}

/** The calls that the shop makes over HTTP and gRPC, and over TCP; the load generator listens to the greeting of stock. */
const expectedHttp = [
  'loadgen storefront',
  'loadgen cart',
  'storefront catalog',
  'storefront reviews',
  'storefront cart',
  'reviews ratings',
  'catalog offers',
];
const expectedTcp = ['catalog stock', 'loadgen stock'];

/** Every expected edge is there on both sides, nothing else is, and all of it is mesh TLS. */
export function judgeIdentities(burst: Burst): Verdict {
  const http = edgesOf(burst.growth);
  const tcp = edgesOf(burst.sinceStart, true).filter(edge => edge.to === 'stock');
  const all = [...http, ...tcp];
  const problems: string[] = [];
  for (const [edges, expected] of [
    [http, expectedHttp],
    [tcp, expectedTcp],
  ] as const) {
    for (const reporter of ['source', 'destination'] as const) {
      const found = edges.filter(edge => edge.reporter === reporter).map(edge => `${edge.from} ${edge.to}`);
      for (const name of expected)
        if (!found.includes(name)) problems.push(`${reporter}: nothing from ${name.replace(' ', ' to ')}`);
      for (const name of found)
        if (!expected.includes(name)) problems.push(`${reporter}: unexpected ${name.replace(' ', ' to ')}`);
    }
  }
  for (const edge of all) {
    if (edge.mutual < edge.count) {
      problems.push(
        `${edge.reporter}: ${edge.count - edge.mutual} of ${edge.count} from ${edge.from} to ${edge.to} without mesh TLS`,
      );
    }
  }
  const requests = http
    .filter(edge => edge.reporter === 'destination')
    .reduce((sum, edge) => sum + edge.count, 0);
  const mutual = http
    .filter(edge => edge.reporter === 'destination')
    .reduce((sum, edge) => sum + edge.mutual, 0);
  const connections = tcp
    .filter(edge => edge.reporter === 'destination')
    .reduce((sum, edge) => sum + edge.mutual, 0);
  return {
    result: problems.length === 0 ? 'pass' : 'fail',
    figure:
      `${count(mutual)} of ${count(requests)} requests and ${count(connections)} TCP connections over ` +
      `${expectedHttp.length + expectedTcp.length} kinds of call, each with the SPIFFE ids of its two ServiceAccounts`,
    detail: problems,
  };
}

/** The least and the most that a pod may get, as shares of what an even spread would give it. */
const leastShare = 0.5;
const mostShare = 1.6;

/**
 * Each pod answered about its share of what its version of the service answered: the default balancer prefers pods that
 * answer faster, and a version that does less is faster. `pods`: how many pods each service has.
 */
export function judgeSpread(burst: Burst, pods: Readonly<Record<string, number>>): Verdict {
  const problems: string[] = [];
  const shares: number[] = [];
  const detail: string[] = [];
  for (const app of HTTP_SERVICES) {
    const answers = Object.entries(burst.report.servedBy).filter(([name]) => name.startsWith(`${app}/`));
    if (answers.length < (pods[app] ?? 0))
      problems.push(`${app}: ${answers.length} of ${pods[app]} pods answered`);
    detail.push(`${app}: ${answers.map(([name, value]) => `${value} (${versionOf(name)})`).join(', ')}`);
    for (const [name, value] of answers) {
      const equals = answers.filter(([other]) => versionOf(other) === versionOf(name));
      const share = (value * equals.length) / equals.reduce((sum, [, each]) => sum + each, 0);
      shares.push(share);
      if (share >= leastShare && share <= mostShare) continue;
      problems.push(`${name}: ${value} answers, ${share.toFixed(2)} of its share`);
    }
  }
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  return {
    result: problems.length === 0 && shares.length > 0 ? 'pass' : 'fail',
    figure:
      `${shares.length} pods of ${HTTP_SERVICES.length} services each got ${least.toFixed(2)} to ${most.toFixed(2)} ` +
      `of an even share (allowed ${leastShare} to ${mostShare})`,
    detail: [...problems, ...detail],
  };
}

/** The last part of `service/pod/version`. */
function versionOf(name: string): string {
  return name.split('/').at(-1) ?? '';
}

/** Requests on each edge, as both proxies count them, are those that were sent. */
export function judgeSums(burst: Burst): Verdict {
  const { report } = burst;
  const orders = report.methods.POST?.sent ?? 0;
  const pages = report.sent - orders;
  const ratings = sumServed(report, name => name.startsWith('ratings/'));
  const expected: Record<string, number> = {
    'loadgen storefront': pages,
    'loadgen cart': orders,
    'storefront catalog': pages,
    'storefront reviews': pages,
    'storefront cart': pages,
    'reviews ratings': ratings,
    'catalog offers': pages,
  };
  const edges = edgesOf(burst.growth);
  const problems: string[] = [];
  const value = (name: string, reporter: Edge['reporter']) =>
    edges.find(edge => edge.reporter === reporter && `${edge.from} ${edge.to}` === name)?.count ?? 0;
  for (const [name, wanted] of Object.entries(expected)) {
    for (const reporter of ['source', 'destination'] as const) {
      const counted = value(name, reporter);
      if (counted !== wanted)
        problems.push(`${name.replace(' ', ' to ')}: sent ${wanted}, ${reporter} proxy counted ${counted}`);
    }
  }
  if (report.failed > 0) problems.push(`${report.failed} requests of the burst failed`);
  const sent = Object.values(expected).reduce((sum, wanted) => sum + wanted, 0);
  const counted = edges
    .filter(edge => edge.reporter === 'destination')
    .reduce((sum, edge) => sum + edge.count, 0);
  return {
    result: problems.length === 0 && sent > 0 ? 'pass' : 'fail',
    figure: `${count(sent)} requests sent on ${Object.keys(expected).length} kinds of call, ${count(counted)} counted, and the same on the callers' side`,
    detail: problems,
  };
}

function sumServed(report: Report, wanted: (name: string) => boolean): number {
  return Object.entries(report.servedBy)
    .filter(([name]) => wanted(name))
    .reduce((sum, [, value]) => sum + value, 0);
}
