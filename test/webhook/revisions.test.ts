// Several control planes behind a real API server: which labels lead to whose webhook, tags, promotion, and taking one away, by
// the commands as people type them. The webhooks run here; the objects are those that `weft install` prints.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { CertificateAuthority } from '../../src/ca/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { keeperFor, Recorder } from '../../webhook/admission/testing/admission.ts';
import {
  type AcceptedMesh,
  injectOptions,
  type KubeAnswer,
  keepCaBundle,
  namespaceLookup,
  startWebhook,
} from '../../webhook/index.ts';
import { type ApiServer, noApiServer, serverVersion, startApiServer } from './api-server.ts';

type Labels = Readonly<Record<string, string>>;

const main = new URL('../../src/main/weft.ts', import.meta.url).pathname;
const configurations = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const accepted: readonly AcceptedMesh[] = ['istio'];
const flags = [
  '--accept-labels',
  'istio',
  '--failure-policy',
  'Fail',
  '--kubernetes-version',
  serverVersion(),
];

describe('control planes beside each other', { skip: noApiServer, timeout: 600_000 }, () => {
  let api: ApiServer;
  let authority: CertificateAuthority;
  const stop = new AbortController();
  const ports = new Map<string, number>();
  /** Whose webhook was asked since somebody looked. */
  let asked: string[] = [];
  let namespaces = 0;

  before(async () => {
    api = await startApiServer();
    const made = await keeperFor(['localhost'], stop.signal);
    authority = made.authority;
    for (const revision of ['default', 'canary']) {
      const record = new Recorder();
      const inject = injectOptions({ revision, acceptOtherMeshes: true, acceptedMeshes: accepted });
      const running = await startWebhook({
        ...{ listen: { host: '127.0.0.1', port: 0 }, clock: systemClock, log: record.log },
        ...{ signal: stop.signal, settings: () => ({ inject, refusedPods: 'deny' }) },
        ...{ namespaces: namespaceLookup(api), certificate: made.keeper, events: async () => undefined },
        observer: { ...record.observer, admission: () => void asked.push(revision) },
      });
      ports.set(revision, running.port);
      const name = revision === 'default' ? [] : ['--revision', revision];
      await apply(await must(weft('install', ...flags, ...name)));
      await api.create({
        ...{ apiVersion: 'v1', kind: 'ServiceAccount' },
        metadata: {
          name: `weft-injector${revision === 'default' ? '' : `-${revision}`}`,
          namespace: 'weft-system',
        },
      });
    }
    await keepBundles();
  });
  after(async () => {
    stop.abort();
    await api?.stop();
  });

  interface Ran {
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }

  /** Not synchronously: the webhooks that its questions lead to run in this process. */
  function weft(...args: string[]): Promise<Ran> {
    const env = { ...process.env, KUBECONFIG: api.kubeconfig };
    const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr]: [string[], string[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk.toString()));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', status => resolve({ status, stdout: stdout.join(''), stderr: stderr.join('') }));
    });
  }

  async function must(ran: Promise<Ran>): Promise<string> {
    const { status, stdout, stderr } = await ran;
    assert.equal(status, 0, stderr);
    return stdout;
  }

  async function apply(text: string): Promise<void> {
    for (const document of parseAllDocuments(text)) {
      const { status, body } = await api.create(document.toJS() as object);
      // What revisions share is there already the second time.
      assert.ok(status < 300 || status === 409, JSON.stringify(body));
    }
  }

  /** What each control plane does for its configurations; the server then calls localhost, as no Service has pods here. */
  async function keepBundles(): Promise<void> {
    for (const revision of ports.keys()) {
      const once = new AbortController();
      const keeper = keepCaBundle({
        ...{ api, clock: systemClock, log: new Recorder().log, signal: once.signal, revision },
        ...{ roots: () => authority.roots, leads: () => true },
      });
      const state = await keeper.check();
      once.abort();
      assert.equal(state.kind, 'right', JSON.stringify(state));
    }
    const { body } = await api.request({ method: 'GET', path: configurations });
    for (const each of (body as { items: Configuration[] }).items) {
      const webhooks = each.webhooks.map(webhook => {
        const { service, ...client } = webhook.clientConfig;
        if (service === undefined) return webhook;
        assert.ok(client.caBundle, `${each.metadata.name} has no caBundle`);
        const port = ports.get(service.name === 'weft-injector' ? 'default' : service.name.slice(14));
        return { ...webhook, clientConfig: { ...client, url: `https://localhost:${port}${service.path}` } };
      });
      const path = `${configurations}/${each.metadata.name}`;
      const { status, body: said } = await api.request({ method: 'PUT', path, body: { ...each, webhooks } });
      assert.ok(status < 300, JSON.stringify(said));
    }
  }

  async function namespace(labels: Labels): Promise<string> {
    const name = `ns-${namespaces++}`;
    await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    await api.create({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: name },
    });
    return name;
  }

  /** Who injected a pod, and who was asked about it. */
  async function injects(where: string, labels: Labels, query: Labels = { dryRun: 'All' }) {
    asked = [];
    const answer: KubeAnswer = await api.create(
      {
        ...{ apiVersion: 'v1', kind: 'Pod' },
        metadata: { generateName: 'app-', namespace: where, labels },
        spec: { containers: [{ name: 'app', image: 'app' }] },
      },
      query,
    );
    assert.ok(answer.status < 300, JSON.stringify(answer.body));
    const { metadata, spec } = answer.body as {
      metadata: { name: string; annotations?: Labels };
      spec: { containers: { name: string; env?: { name: string; value?: string }[] }[] };
    };
    const status = metadata.annotations?.['weft.dev/status'];
    if (status === undefined) return { by: 'nobody', asked: [...new Set(asked)], name: metadata.name };
    const by = (JSON.parse(status) as { revision?: string }).revision ?? 'default';
    const address = spec.containers[0]!.env!.find(each => each.name === 'WEFT_CONTROL_PLANE')!.value;
    assert.equal(address, `weft-injector${by === 'default' ? '' : `-${by}`}.weft-system.svc:15012`);
    return { by, asked: [...new Set(asked)], name: metadata.name };
  }

  /** The server follows configurations by watching. */
  async function until(what: string, look: () => Promise<boolean>): Promise<void> {
    for (const endAt = performance.now() + 60_000; performance.now() < endAt; ) {
      if (await look()) return;
      await new Promise(resolve => setTimeout(resolve, 100));
    }
    assert.fail(`${what} did not come to be`);
  }

  const own = 'weft.dev/inject';
  const rev = 'weft.dev/rev';
  const istio = 'istio.io/rev';
  const matrix: readonly (readonly [namespace: Labels, pod: Labels, by: string])[] = [
    [{}, {}, 'nobody'],
    [{ [own]: 'enabled' }, {}, 'default'],
    [{ [own]: 'enabled' }, { [own]: 'disabled' }, 'nobody'],
    [{ [rev]: 'canary' }, {}, 'canary'],
    [{ [rev]: 'default' }, {}, 'default'],
    [{ [rev]: 'prod' }, {}, 'canary'],
    [{ [rev]: 'gone' }, {}, 'nobody'],
    [{ [rev]: 'canary' }, { [own]: 'disabled' }, 'nobody'],
    [{ [rev]: 'canary' }, { [own]: 'enabled' }, 'canary'],
    [{ [rev]: 'canary' }, { [rev]: 'default' }, 'default'],
    [{ [rev]: 'canary' }, { [rev]: 'gone' }, 'nobody'],
    [{ [own]: 'enabled' }, { [rev]: 'canary' }, 'canary'],
    [{ [own]: 'enabled' }, { [rev]: 'prod' }, 'canary'],
    [{ [own]: 'enabled', [rev]: 'canary' }, {}, 'default'],
    [{ [own]: 'disabled', [rev]: 'canary' }, {}, 'nobody'],
    [{ [own]: 'disabled' }, { [rev]: 'canary' }, 'canary'],
    [{}, { [rev]: 'canary' }, 'canary'],
    [{}, { [own]: 'enabled', [rev]: 'prod' }, 'canary'],
    [{ [istio]: 'canary' }, {}, 'canary'],
    [{ [istio]: 'prod' }, {}, 'canary'],
    [{ [istio]: 'canary' }, { [istio]: 'default' }, 'default'],
    [{ [istio]: 'canary' }, { 'sidecar.istio.io/inject': 'false' }, 'nobody'],
    [{ 'istio-injection': 'enabled' }, {}, 'default'],
    [{ 'istio-injection': 'enabled', [istio]: 'canary' }, {}, 'default'],
    [{ 'istio-injection': 'enabled', [rev]: 'canary' }, {}, 'canary'],
    [{ 'istio-injection': 'disabled' }, { [istio]: 'canary' }, 'nobody'],
    [{ [rev]: 'canary', [istio]: 'default' }, {}, 'canary'],
    [{ [istio]: 'gone' }, {}, 'nobody'],
  ];

  test('a tag is a configuration of its own, and every label leads to one control plane at most', async () => {
    assert.match(
      await must(weft('revision', 'tag', 'set', 'prod', '--revision', 'canary')),
      /^prod stands for revision canary now; restart/,
    );
    await keepBundles();
    const tagged = await namespace({ [rev]: 'prod' });
    await until('the tag', async () => (await injects(tagged, {})).by === 'canary');
    for (const [labels, pod, by] of matrix) {
      const words = JSON.stringify({ labels, pod });
      const found = await injects(await namespace(labels), pod);
      assert.equal(found.by, by, words);
      assert.ok(found.asked.length <= 1, `${words}: asked were ${found.asked.join(', ')}`);
      if (by !== 'nobody') assert.deepEqual(found.asked, [by], words);
    }
  });

  test('what would give a pod two control planes, or none, is refused with the remedy', async () => {
    const refused = async (words: RegExp, ...args: string[]): Promise<void> => {
      const { status, stderr } = await weft('revision', 'tag', ...args);
      assert.equal(status, 1, stderr);
      assert.match(stderr, words);
    };
    await refused(/canary is a revision.*another name/, 'set', 'canary', '--revision', 'default');
    await refused(/no revision gone: there are canary, default/, 'set', 'prod', '--revision', 'gone');
    await refused(/prod stands for canary; add --overwrite/, 'set', 'prod', '--revision', 'default');
    await refused(/the tag 'Prod' is not a DNS label/, 'set', 'Prod', '--revision', 'canary');
    await refused(/default stands for default; add --overwrite/, 'set', 'default', '--revision', 'canary');
    await refused(/no tag blue: /, 'remove', 'blue');
    await refused(/nothing was removed: namespace ns-\d+.* would be injected by nobody/s, 'remove', 'prod');
    const bad = await weft('install', '--revision', 'Big_Canary');
    assert.match(bad.stderr, /--revision 'Big_Canary' is not a DNS label of up to 49 characters/);
    assert.equal(bad.status, 1);
  });

  test('a list tells who uses which, what is to be restarted, and which labels name nothing', async () => {
    const shop = await namespace({ [rev]: 'canary' });
    const { name } = await injects(shop, {}, {});
    const contentType = 'application/merge-patch+json';
    const body = { metadata: { labels: { [rev]: 'default' } } };
    await api.request({ method: 'PATCH', path: `/api/v1/namespaces/${shop}`, body, contentType });
    const text = await must(weft('revision', 'list'));
    assert.match(
      text,
      /^REVISION +VERSION +READY +TAGS +NAMESPACES +PODS\ncanary +0\.\S+ +0\/2 +prod +\S+ +1\ndefault/,
    );
    const words = `namespace ${shop}: pod ${name} has a proxy of revision canary and would get one of default now`;
    assert.ok(text.includes(words), text);
    assert.match(
      text,
      /weft\.dev\/rev=gone is no revision and no tag.*weft revision tag set gone --revision/,
    );
    assert.match(
      await must(weft('version')),
      /^control plane 0\.\S+ \(namespace weft-system, revision canary\)$/m,
    );
    const json = JSON.parse(await must(weft('revision', 'list', '-o', 'json')));
    assert.deepEqual(json.outOfDate, [
      {
        namespace: shop,
        pods: [name],
        has: 'canary',
        chooses: 'default',
        by: 'namespace label weft.dev/rev=default',
      },
    ]);
  });

  test('weft check names labels that lead nowhere, two that contradict each other, and pods of another revision', async () => {
    const found = JSON.parse((await weft('check', '-o', 'json')).stdout) as {
      id: string;
      findings: { result: string; message: string; remedy?: string }[];
    }[];
    const about = (id: string, words: RegExp): void => {
      const all = found.find(each => each.id === id)!.findings;
      assert.ok(
        all.some(({ result, message, remedy }) => words.test(`${result} ${message}; ${remedy}`)),
        JSON.stringify(all),
      );
    };
    about(
      'revision-labels',
      /^error namespace ns-\d+: namespace label weft\.dev\/rev=gone is no revision and no tag.*; kubectl label/,
    );
    about(
      'revision-labels',
      /^warning namespace ns-\d+ has weft\.dev\/inject=enabled beside weft\.dev\/rev=canary, which has no effect/,
    );
    about(
      'revision-labels',
      /^warning namespace ns-\d+: pod app-\S+ has a proxy of revision canary.*; kubectl rollout restart/,
    );
    about('revisions', /^error revision canary: 0 of 2 replicas are ready/);
  });

  test('weft analyze and weft describe tell whose a namespace is, what leads nowhere, and what names two', async () => {
    const [lost, two, fine] = [
      await namespace({ [rev]: 'blue' }),
      await namespace({ [own]: 'enabled', [rev]: 'canary' }),
      await namespace({ [rev]: 'prod' }),
    ];
    const found = JSON.parse((await weft('analyze', '-o', 'json')).stdout) as {
      code: string;
      object?: { name: string };
      reason: string;
    }[];
    const of = (name: string): string[] =>
      found.filter(each => each.object?.name === name).map(({ code, reason }) => `${code}: ${reason}`);
    assert.deepEqual(of(lost), [
      'revision-unknown: label weft.dev/rev=blue: no control plane or tag is called blue; there are canary, default, prod: its pods start without a proxy',
    ]);
    assert.deepEqual(of(two), [
      'revision-contradiction: weft.dev/inject=enabled leads to default and goes over weft.dev/rev=canary, which is not heard',
    ]);
    assert.deepEqual(of(fine), []);
    const describes = (name: string): Promise<string> => must(weft('describe', 'ns', name));
    assert.match(
      await describes(fine),
      /belongs to +revision canary \(namespace label weft\.dev\/rev=prod\)/,
    );
    assert.match(await describes(lost), /belongs to +none: no control plane or tag is called blue/);
    const { name } = await injects(fine, {}, {});
    const contentType = 'application/merge-patch+json';
    const body = { metadata: { labels: { [rev]: 'default' } } };
    await api.request({ method: 'PATCH', path: `/api/v1/namespaces/${fine}`, body, contentType });
    assert.match(
      (await weft('describe', 'pod', name, '-n', fine)).stdout,
      /belongs to +revision default .*; its proxy is still with canary, until it is restarted/,
    );
  });

  test('the default is handed over to another revision and back, and no pod is injected by two meanwhile', async () => {
    const shop = await namespace({ [own]: 'enabled' });
    assert.equal((await injects(shop, {})).by, 'default');
    await must(weft('revision', 'tag', 'set', 'default', '--revision', 'canary', '--overwrite'));
    await keepBundles();
    await until('the promotion', async () => {
      const { by, asked: who } = await injects(shop, {});
      assert.ok(who.length <= 1, who.join(', '));
      return by === 'canary';
    });
    assert.match(
      await must(weft('revision', 'tag', 'list')),
      /^TAG +REVISION\ndefault +canary\nprod +canary$/m,
    );
    const upgrade = await must(weft('upgrade', '--dry-run', ...flags));
    assert.doesNotMatch(
      upgrade,
      /MutatingWebhookConfiguration/,
      'an upgrade of the other does not take it back',
    );
    await must(weft('revision', 'tag', 'set', 'default', '--revision', 'default', '--overwrite'));
    await keepBundles();
    await until('the way back', async () => (await injects(shop, {})).by === 'default');
  });

  test('an upgrade knows its own revision alone', async () => {
    const changed = await must(weft('upgrade', '--dry-run', '--revision', 'canary', '--log-level', 'debug'));
    assert.match(changed, /^Deployment weft-system\/weft-injector-canary would change$/m);
    assert.doesNotMatch(changed, /weft-injector would|weft-injection would|is not part/);
    const { stderr, status } = await weft('upgrade', '--dry-run', '--revision', 'gone');
    assert.match(stderr, /no revision gone to upgrade.*weft install --revision gone prints it/);
    assert.equal(status, 1);
    const both = await weft('upgrade', '--apply', '--rollback');
    assert.match(both.stderr, /--apply goes to this version and --rollback back/);
    assert.equal(both.status, 1);
  });

  test('one that is in use is not taken away; otherwise what all share stays', async () => {
    const refused = await weft('uninstall', '--revision', 'canary', '--delete');
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /pods of namespace ns-\d+ have a proxy of revision canary: app-\S+; give them another one/,
    );
    assert.match(refused.stderr, /tag prod stands for revision canary: weft revision tag set prod/);
    assert.match(
      refused.stderr,
      /namespace ns-\d+ chooses revision canary \(namespace label weft\.dev\/rev=canary\)/,
    );
    assert.match(refused.stderr, /error: nothing was deleted: revision canary is in use/);
    const unknown = await weft('uninstall', '--revision', 'gone', '--delete');
    assert.match(
      unknown.stderr,
      /there is no revision gone: there are canary, default, and the tags prod for canary/,
    );
    const { status, stderr } = await weft('uninstall', '--revision', 'canary', '--delete', '--force');
    assert.equal(status, 0, stderr);
    const left = async (path: string): Promise<readonly string[]> => {
      const { body } = await api.request({
        method: 'GET',
        path,
        query: { labelSelector: 'app.kubernetes.io/part-of=weft' },
      });
      return (body as { items: { metadata: { name: string } }[] }).items
        .map(({ metadata }) => metadata.name)
        .sort();
    };
    assert.deepEqual(await left(configurations), ['weft-injector']);
    assert.deepEqual(await left('/apis/apps/v1/deployments'), ['weft-injector']);
    assert.deepEqual(await left('/apis/rbac.authorization.k8s.io/v1/clusterroles'), [
      ...['weft-injector', 'weft-tap', 'weft-upgrade', 'weft-viewer'],
    ]);
    assert.deepEqual(await left('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings'), ['weft-injector']);
    assert.ok((await left('/apis/apiextensions.k8s.io/v1/customresourcedefinitions')).length > 0);
    const shop = await namespace({ [own]: 'enabled' });
    assert.equal((await injects(shop, {})).by, 'default');
  });
});

interface Configuration {
  readonly metadata: { readonly name: string };
  readonly webhooks: readonly {
    readonly clientConfig: {
      readonly caBundle?: string;
      readonly service?: { readonly name: string; readonly path: string };
    };
  }[];
}
