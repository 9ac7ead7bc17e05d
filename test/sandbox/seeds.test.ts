// Every traffic policy of the seeds, as it stands, in a mesh of real proxies, with requests that show what it does. Which seed is
// shown where: docs/policies/README.md. Needs root; leaves nothing behind.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { machineCapabilities, Sandbox, takeDown } from '../../src/sandbox/index.ts';

const skip = machineCapabilities().reasons.join('; ') || false;
const name = `seeds-${process.pid}`;
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const seed = (file: string): string => readFileSync(at(`../seeds/${file}.yaml`), 'utf8');

/** What the seeds' VirtualServices call subsets, which they leave to others to define. */
const subsets = (host: string, ...versions: string[]): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host}-subsets }
spec:
  host: ${host}
  subsets: [${versions.map(version => `{ name: ${version}, labels: { version: ${version} } }`).join(', ')}]
`;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly ms: number;
}
interface Report {
  /** Answers by version; by status where an app did not answer as told. */
  readonly counts: Readonly<Record<string, number>>;
  readonly answers: readonly Answer[];
}
interface Load {
  readonly n?: number;
  readonly at?: number;
  readonly method?: string;
  readonly headers?: readonly string[];
  /** Sends cookies back. */
  readonly keep?: boolean;
}

describe('the seeds’ policies, as they stand', { skip }, () => {
  let folder: string;
  let sandbox: Sandbox;

  const load = async (
    url: string,
    { n = 1, at: at1 = 1, method, headers = [], keep }: Load = {},
  ): Promise<Report> => {
    const query = new URLSearchParams({ url, n: String(n), at: String(at1), ...(method && { method }) });
    for (const header of headers) query.append('h', header);
    if (keep) query.append('keep', '');
    const { body } = await sandbox.fetch('pod/client', `/load?${query}`, { port: 8080 });
    return JSON.parse(body) as Report;
  };
  const fetch = async (pod: string, path: string, port = 8080): Promise<string> =>
    (await sandbox.fetch(`pod/${pod}`, path, { port })).body;
  /** Until `check` throws no more, since policies take a moment to arrive; the last error after 20 s. */
  const eventually = async (check: () => Promise<void>): Promise<void> => {
    for (const limit = performance.now() + 20_000; ; ) {
      try {
        return await check();
      } catch (error) {
        if (performance.now() > limit) throw error;
        await new Promise(resolve => setTimeout(resolve, 100));
      }
    }
  };
  /** With these objects in place, and not afterwards. */
  const withPolicies = async (yamls: readonly string[], run: () => Promise<void>): Promise<void> => {
    for (const [i, yaml] of yamls.entries()) await sandbox.apply(`policy-${i}`, yaml);
    try {
      await run();
    } finally {
      for (const i of yamls.keys()) await sandbox.unapply(`policy-${i}`);
    }
  };
  const all = async (url: string, options: Load): Promise<Readonly<Record<string, number>>> =>
    (await load(url, options)).counts;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weft-seeds-'));
    cpSync(at('seeds'), join(folder, 'mesh'), { recursive: true });
    sandbox = await Sandbox.up({ dir: join(folder, 'mesh'), name });
    await sandbox.ready({ timeoutMs: 110_000 });
  });
  after(async () => {
    await takeDown(name);
    rmSync(folder, { recursive: true, force: true });
  });

  test('istio-traffic-splitting: jason sees v2, the others three quarters v1', async () => {
    await withPolicies([seed('istio-traffic-splitting'), subsets('reviews', 'v1', 'v2', 'v3')], async () => {
      await eventually(async () =>
        assert.deepEqual(await all('http://reviews/', { n: 20, headers: ['end-user:jason'] }), { v2: 20 }),
      );
      assert.deepEqual(await all('http://reviews/', { n: 400, at: 4 }), { v1: 300, v2: 100 });
    });
  });

  test('istio-request-routing: by cookie, by query, else v1', async () => {
    await withPolicies([seed('istio-request-routing'), subsets('reviews', 'v1', 'v2', 'v3')], async () => {
      await eventually(async () =>
        assert.deepEqual(await all('http://reviews/', { n: 10, headers: ['cookie:a=b;user=jason;c=d'] }), {
          v3: 10,
        }),
      );
      assert.deepEqual(await all('http://reviews/?test=true', { n: 10 }), { v2: 10 });
      assert.deepEqual(await all('http://reviews/?test=false', { n: 10, headers: ['cookie:user=jasons'] }), {
        v1: 10,
      });
    });
  });

  test('istio-canary: who asks for the canary has it, and a tenth of the rest', async () => {
    await withPolicies([seed('istio-canary'), subsets('helloworld', 'v1', 'v2')], async () => {
      await eventually(async () =>
        assert.deepEqual(await all('http://helloworld/', { n: 10, headers: ['canary:true'] }), { v2: 10 }),
      );
      assert.deepEqual(await all('http://helloworld/', { n: 1000, at: 4 }), { v1: 900, v2: 100 });
    });
  });

  test('istio-my-api-canary with istio-my-api-circuit-breaker, which define all that they need', async () => {
    await withPolicies([seed('istio-my-api-canary'), seed('istio-my-api-circuit-breaker')], async () => {
      await eventually(async () =>
        assert.deepEqual(await all('http://my-api/', { n: 10, headers: ['x-version:v2'] }), { v2: 10 }),
      );
      assert.deepEqual(await all('http://my-api/', { n: 200, at: 2 }), { v1: 180, v2: 20 });
    });
  });

  test('istio-retries: a 503 is tried three times more', async () => {
    await withPolicies([seed('istio-retries'), subsets('ratings', 'v1', 'v2')], async () => {
      await eventually(async () => assert.deepEqual(await all('http://ratings/', { n: 10 }), { v1: 10 }));
      await fetch('ratings-v1', '/fail?status=503');
      const before = Number(await fetch('ratings-v1', '/served'));
      assert.deepEqual(await all('http://ratings/', {}), { 503: 1 });
      assert.equal(Number(await fetch('ratings-v1', '/served')) - before, 4);
      await fetch('ratings-v1', '/fail?status=500');
      assert.deepEqual(await all('http://ratings/', {}), { 500: 1 });
      assert.equal(Number(await fetch('ratings-v1', '/served')) - before, 5, 'a 500 is no gateway error');
      await fetch('ratings-v1', '/fail?status=0');
    });
  });

  test('istio-fault-injection: about a tenth is late and about a tenth fails, on purpose and said so', async () => {
    await withPolicies([seed('istio-fault-injection'), subsets('ratings', 'v1', 'v2')], async () => {
      await eventually(async () => assert.ok((await all('http://ratings/', { n: 20, at: 20 }))['500']));
      const { counts, answers } = await load('http://ratings/', { n: 200, at: 100 });
      const aborted = counts['500'] ?? 0;
      const late = answers.filter(({ ms }) => ms >= 5_000).length;
      // 200 dice of one in ten: beyond these bounds less than once in a million runs.
      for (const each of [aborted, late])
        assert.ok(each >= 3 && each <= 48, `${aborted} failed, ${late} were late`);
      assert.equal(answers.find(({ status }) => status === 500)!.headers['x-weft-flag'], 'FI');
      assert.equal((counts.v1 ?? 0) + aborted, 200);
    });
  });

  test('istio-round-robin: everybody in turn', async () => {
    await withPolicies([seed('istio-round-robin')], async () => {
      await eventually(async () =>
        assert.deepEqual(await all('http://my-service/', { n: 30 }), { v1: 10, v2: 10, v3: 10 }),
      );
    });
  });

  test('istio-consistent-hash: a cookie keeps a client with its pod', async () => {
    await withPolicies([seed('istio-consistent-hash')], async () => {
      await eventually(async () => {
        const { counts, answers } = await load('http://my-service/', { n: 40, keep: true });
        assert.equal(Object.keys(counts).length, 1, JSON.stringify(counts));
        assert.match(String(answers[0]!.headers['set-cookie']), /^session-cookie="[0-9a-f]+"; Max-Age=3600/);
        assert.equal(answers[1]!.headers['set-cookie'], undefined);
      });
      assert.equal(Object.keys(await all('http://my-service/', { n: 100 })).length, 3, 'others are spread');
    });
  });

  test('istio-circuit-breaker: one request at a time and one that waits, the rest is refused at once', async () => {
    await withPolicies([seed('istio-circuit-breaker')], async () => {
      await eventually(async () => {
        const { counts, answers } = await load('http://httpbin/?ms=300', { n: 10, at: 10 });
        assert.ok((counts['503'] ?? 0) >= 7, JSON.stringify(counts));
        const refused = answers.filter(({ status }) => status === 503);
        assert.ok(refused.every(({ headers }) => headers['x-weft-flag'] === 'UO'));
        assert.ok(
          refused.every(({ ms }) => ms < 250),
          'at once',
        );
      });
      assert.deepEqual(await all('http://httpbin/', { n: 5 }), { v1: 5 });
    });
  });

  test('istio-destination-rule: a hundred connections are enough, ten for the subset', async () => {
    await withPolicies([seed('istio-destination-rule')], async () => {
      assert.deepEqual(await all('http://productpage/?ms=50', { n: 60, at: 60 }), { v1: 60 });
    });
  });

  test('istio-rate-limit: a hundred a minute and not one more', async () => {
    await withPolicies([seed('istio-rate-limit')], async () => {
      let answered = 0;
      let refused: Report = { counts: {}, answers: [] };
      // Those that came before the policy did not count.
      for (let i = 0; i < 400 && refused.counts['429'] === undefined; i += 10) {
        refused = await load('http://productpage/', { n: 10 });
        answered += refused.counts.v1 ?? 0;
      }
      assert.ok(answered >= 100, `${answered} before the first refusal`);
      const { status, headers } = refused.answers.find(each => each.status === 429)!;
      assert.equal(status, 429);
      assert.equal(headers['x-envoy-ratelimited'], 'true');
      assert.ok(Number(headers['retry-after']) <= 60);
      assert.deepEqual(await all('http://productpage/', { n: 20 }), { 429: 20 });
    });
    await eventually(async () => assert.deepEqual(await all('http://productpage/', { n: 5 }), { v1: 5 }));
  });

  test('smi-traffic-split: half and half', async () => {
    await withPolicies([seed('smi-traffic-split')], async () => {
      await eventually(async () =>
        assert.deepEqual(await all('http://web-svc/', { n: 100, at: 2 }), { v1: 50, v2: 50 }),
      );
    });
  });

  test('linkerd-service-profile: routes are counted under their names', async () => {
    await withPolicies([seed('linkerd-service-profile')], async () => {
      await eventually(async () => {
        await load('http://webapp/');
        await load('http://webapp/api', { method: 'POST' });
        const metrics = await fetch('client', '/stats/prometheus', 15020);
        for (const route of ['GET', 'POST']) {
          const labels = `dst="webapp.default.svc.cluster.local",rt_route="${route}",classification="success"`;
          const line = metrics
            .split('\n')
            .find(each => each.startsWith(`weft_route_requests_total{${labels}`));
          assert.ok(Number(line?.split(' ').at(-1)) >= 1, `no requests of ${route}`);
        }
      });
    });
  });

  for (const file of ['istio-strict-mtls', 'istio-namespace-mtls', 'istio-my-api-mtls']) {
    test(`${file}: who is not in the mesh is refused with the reason, who is goes on`, async () => {
      const outside = async (): Promise<string> => {
        const query = new URLSearchParams({ url: 'http://orders.production/' });
        return (await sandbox.fetch('pod/outsider', `/load?${query}`, { port: 8080 })).body;
      };
      await eventually(async () => assert.match(await outside(), /"v1":1/));
      await withPolicies([seed(file)], async () => {
        await eventually(async () =>
          assert.match(await outside(), /mutual TLS only \(PeerAuthentication default/),
        );
        assert.deepEqual(await all('http://orders.production/', { n: 5 }), { v1: 5 });
      });
    });
  }
});
