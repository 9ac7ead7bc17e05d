// How long admission takes: node test/webhook/latency.ts. Asks the server over keep-alive TLS as the API server does, one at a
// time and sixteen at once; and, where KUBEBUILDER_ASSETS names a real API server, creates pods (dry run) with and without it.
// Prints a table in Markdown for docs/install.md. Exit code 1 when a p99 is above 50 ms.
import { Agent, request as httpsRequest } from 'node:https';
import { stringify } from 'yaml';
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
const stop = new AbortController();
const rows: string[] = [];
let tooSlow = false;

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
console.log(`| what | pods | p50 | p99 |\n|---|---|---|---|\n${rows.join('\n')}`);
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
      namespaces: namespaceLookup(api),
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
    for (const [name, labels] of [
      ['plain', {}],
      ['shop', { 'weft.dev/inject': 'enabled' }],
    ] as const) {
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

function report(words: string, times: readonly number[], judged: boolean): void {
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
  rows.push(`| ${words} | ${times.length} | ${at(0.5).toFixed(1)} ms | ${at(0.99).toFixed(1)} ms |`);
  if (judged && at(0.99) > limitMs) tooSlow = true;
}
