// How long admission takes: make webhook-latency. Asks the server over keep-alive TLS as the API server does, one at a time,
// sixteen at once, and for fifty pods a second, whether answers come or not; and, where KUBEBUILDER_ASSETS names a real API
// server, creates pods (dry run) with and without it. Prints a table in Markdown for docs/install.md and docs/scale.md. Exit
// code 1 when the p99 of a question is above 50 ms, unless this process got less than LEAST_SHARE of the processor time it asked
// for.
import { Agent, request as httpsRequest } from 'node:https';
import { stringify } from 'yaml';
import { LEAST_SHARE } from '../../bench/scale/verdict.ts';
import { mainThread } from '../../bench/usage.ts';
import { installObjects, installOptions } from '../../src/cli/install/index.ts';
import { systemClock } from '../../src/time/index.ts';
import {
  keeperFor,
  Recorder,
  review,
  settings,
  webhookOptions,
} from '../../webhook/admission/testing/admission.ts';
import { keepCaBundle, namespaceLookup, ownerLookup, startWebhook } from '../../webhook/index.ts';
import { noApiServer, serverVersion, startApiServer } from './api-server.ts';

const limitMs = 50;
/** Pods of a large rollout, a second; each is two questions, since the API server asks again after other webhooks. */
const podsPerSecond = 50;
const rateSeconds = 20;
const stop = new AbortController();
const rows: string[] = [];
let tooSlow = false;

/** Of the processor time that this process asked for, what it got since the last call, 0 to 1. */
const share = (() => {
  let before = mainThread(process.pid);
  return (): number => {
    const now = mainThread(process.pid);
    const [ran, waited] = [now.ranUs - before.ranUs, now.waitedUs - before.waitedUs];
    before = now;
    return ran + waited > 0 ? ran / (ran + waited) : 1;
  };
})();

const namespaces: readonly (readonly [name: string, labels: Readonly<Record<string, string>>])[] = [
  ['plain', {}],
  ['shop', { 'weft.dev/inject': 'enabled' }],
];

/** The sort of pod that people have: two containers with probes, environment, volumes. */
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    generateName: 'cart-7d9f-',
    labels: { app: 'cart' },
    annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' },
  },
  spec: {
    containers: ['app', 'helper'].map((name, index) => ({
      name,
      image: `registry.example/shop/${name}:1.2.3`,
      env: Array.from({ length: 20 }, (_, at) => ({ name: `SETTING_${at}`, value: 'x'.repeat(40) })),
      ports: [{ containerPort: 8080 + index }],
      readinessProbe: { httpGet: { path: '/ready', port: 8080 + index } },
      livenessProbe: { httpGet: { path: '/live', port: 8080 + index } },
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
    })),
    volumes: [{ name: 'data', emptyDir: {} }],
  },
};

await alone();
if (noApiServer === false) await behindApiServer();
console.log(`| what | pods | p50 | p99 | share of a core |\n|---|---|---|---|---|\n${rows.join('\n')}`);
if (noApiServer !== false) console.log(`\nwithout a real API server: ${noApiServer}`);
stop.abort();
process.exit(tooSlow ? 1 : 0);

async function alone(): Promise<void> {
  const { keeper, authority } = await keeperFor(['weft-injector.weft-system.svc'], stop.signal);
  const shop = { shop: { labels: { 'weft.dev/inject': 'enabled' }, annotations: {} } };
  const running = await startWebhook(webhookOptions(new Recorder(), keeper, stop.signal, shop));
  const body = review(pod);
  for (const [words, sockets, count] of [
    ['webhook alone, one at a time', 1, 2000],
    ['webhook alone, 16 at once', 16, 4000],
  ] as const) {
    const agent = new Agent({
      keepAlive: true,
      maxSockets: sockets,
      ca: authority.roots.join(''),
      servername: 'weft-injector.weft-system.svc',
    });
    await load(200, sockets, () => ask(agent, running.port, body));
    report(words, await load(count, sockets, () => ask(agent, running.port, body)), true);
    agent.destroy();
  }
  const agent = new Agent({
    keepAlive: true,
    ca: authority.roots.join(''),
    servername: 'weft-injector.weft-system.svc',
  });
  const one = (): Promise<void> => ask(agent, running.port, body);
  await load(50, 4, one);
  const perSecond = 2 * podsPerSecond;
  report(`webhook alone, ${podsPerSecond} pods a second`, await atRate(perSecond, rateSeconds, one), true);
  agent.destroy();
}

function ask(agent: Agent, port: number, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = httpsRequest(
      { agent, host: '127.0.0.1', port, method: 'POST', path: '/inject', headers },
      response => {
        response
          .resume()
          .on('end', () =>
            response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
          );
      },
    );
    request.on('error', reject).end(body);
  });
}

async function behindApiServer(): Promise<void> {
  const api = await startApiServer();
  try {
    const { keeper, authority } = await keeperFor(['localhost'], stop.signal);
    const record = new Recorder();
    const { port } = await startWebhook({
      ...webhookOptions(record, keeper, stop.signal),
      settings: () => settings(),
      // As weft-injector has it: namespaces are in its registry.
      namespaces: namespaceLookup(api, name => {
        const labels = namespaces.find(each => each[0] === name)?.[1];
        return labels && { labels, annotations: {} };
      }),
      owners: ownerLookup(api, systemClock),
    });
    const options = installOptions({ kubernetesVersion: serverVersion(), failurePolicy: 'Fail' });
    const configuration = installObjects(options).at(-1) as unknown as {
      webhooks: { clientConfig: object }[];
    };
    for (const webhook of configuration.webhooks)
      webhook.clientConfig = { url: `https://localhost:${port}/inject` };
    await api.create(configuration);
    await keepCaBundle({
      api,
      clock: systemClock,
      log: record.log,
      signal: stop.signal,
      roots: () => authority.roots,
      leads: () => true,
    }).check();
    for (const [name, labels] of namespaces) {
      await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
      await api.create({
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'default', namespace: name },
      });
    }
    const create = (namespace: string) => async () => {
      const answer = await api.create(
        { ...pod, metadata: { ...pod.metadata, namespace } },
        { dryRun: 'All' },
      );
      if (answer.status >= 300) throw new Error(stringify(answer.body));
    };
    await new Promise(resolve => setTimeout(resolve, 2_000));
    await load(50, 1, create('shop'));
    report('API server, pod outside the mesh', await load(300, 1, create('plain')), false);
    report('API server, pod injected (two questions, see docs)', await load(300, 1, create('shop')), false);
    for (const [words, namespace] of [
      ['outside the mesh', 'plain'],
      ['injected', 'shop'],
    ] as const) {
      const times = await atRate(podsPerSecond, rateSeconds, create(namespace));
      report(`API server, ${podsPerSecond} pods a second ${words}`, times, false);
    }
  } finally {
    await api.stop();
  }
}

/** Milliseconds of each of `count` runs, `width` at a time. */
async function load(count: number, width: number, run: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const startedAt = performance.now();
      await run();
      times.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return times.sort((a, b) => a - b);
}

/**
 * The same for what is due so many times a second, whether the last has ended or not: from when it was due. What failed, on a
 * machine that cannot do so many, has taken for ever.
 */
async function atRate(perSecond: number, seconds: number, run: () => Promise<void>): Promise<number[]> {
  const startMs = performance.now();
  const times = Array.from({ length: perSecond * seconds }, async (_, number) => {
    const dueMs = startMs + (number * 1000) / perSecond;
    await new Promise(resolve => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    const failed = await run().then(
      () => false,
      () => true,
    );
    return failed ? Number.POSITIVE_INFINITY : performance.now() - dueMs;
  });
  return (await Promise.all(times)).sort((a, b) => a - b);
}

function report(words: string, times: readonly number[], judged: boolean): void {
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
  const got = share();
  const failed = times.filter(time => time === Number.POSITIVE_INFINITY).length;
  const counted = failed > 0 ? `${times.length}, ${failed} failed` : times.length;
  const cells = [words, counted, `${at(0.5).toFixed(1)} ms`, `${at(0.99).toFixed(1)} ms`, got.toFixed(2)];
  rows.push(`| ${cells.join(' | ')} |`);
  if (judged && at(0.99) > limitMs && got >= LEAST_SHARE) tooSlow = true;
}
