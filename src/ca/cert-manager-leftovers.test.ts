// What control planes leave behind at cert-manager that were killed while they waited, and what is not theirs to delete.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { recordOf } from '../plain/index.ts';
import { FakeClock } from '../time/index.ts';
import { CertManagerIssuer, type CertManagerOptions, type KubeRequest, removeLeftovers } from './index.ts';

const minuteMs = 60_000;

/** The part of the API server that keeps requests, two of a list at a time; nobody signs, and labels select nothing. */
class ApiDouble {
  readonly clock = new FakeClock();
  readonly kept = new Map<string, Readonly<Record<string, unknown>>>();
  readonly listed: URL[] = [];
  refuses: 'GET' | 'DELETE' | undefined;
  /** Deleted by somebody else just before. */
  gone = '';

  readonly options: CertManagerOptions = {
    request: call => this.#answer(call),
    namespace: 'weft-system',
    issuer: { name: 'mesh', kind: 'ClusterIssuer', group: 'cert-manager.io' },
    own: 'spiffe://cluster.local/ns/weft-system/sa/weft-injector',
    clock: this.clock,
  };

  async #answer({ method, path, body }: Parameters<KubeRequest>[0]): ReturnType<KubeRequest> {
    const url = new URL(path, 'http://api');
    const name = url.pathname.split('/').at(-1)!;
    if (method === 'POST') {
      const { metadata, ...rest } = recordOf(body);
      const made = { ...recordOf(metadata), name: `weft-${this.kept.size}`, creationTimestamp: this.#now() };
      this.kept.set(made.name, { ...rest, metadata: made });
      return { status: 201, body: { metadata: made } };
    }
    if (method === this.refuses) return { status: 403, body: { message: `no ${method} for you` } };
    if (method === 'DELETE') {
      const status = this.kept.delete(name) && name !== this.gone ? 200 : 404;
      return { status, body: {} };
    }
    if (name !== 'certificaterequests') return { status: 200, body: {} };
    this.listed.push(url);
    const from = Number(url.searchParams.get('continue') ?? 0);
    const items = [...this.kept.values()].slice(from, from + 2);
    const more = from + 2 < this.kept.size ? { continue: String(from + 2) } : {};
    return { status: 200, body: { items, metadata: more } };
  }

  #now(): string {
    return new Date(this.clock.now()).toISOString();
  }

  /** As a control plane makes one, and is killed. */
  async leave(): Promise<string> {
    const before = new Set(this.kept.keys());
    void new CertManagerIssuer(this.options).sign(
      { csrPem: 'x', uri: 'x', dnsNames: [], lifetimeMs: minuteMs },
      new AbortController().signal,
    );
    await new Promise(setImmediate);
    return [...this.kept.keys()].find(name => !before.has(name))!;
  }

  /** One that differs from a left one in this. */
  put(name: string, like: string, metadata: object, spec: object = {}): void {
    const found = this.kept.get(like)!;
    const meta = { ...recordOf(found.metadata), name, ...metadata };
    this.kept.set(name, { ...found, metadata: meta, spec: { ...recordOf(found.spec), ...spec } });
  }
}

test('what was left behind goes when it is ten minutes old, whatever page it is on, and what replicas follow stays', async () => {
  const api = new ApiDouble();
  for (let i = 0; i < 5; i++) await api.leave();
  await api.clock.advance(9 * minuteMs);
  assert.equal(await removeLeftovers(api.options), 0);
  const young = await api.leave();
  await api.clock.advance(minuteMs);
  assert.equal(await removeLeftovers(api.options), 5);
  assert.deepEqual([...api.kept.keys()], [young]);
  assert.equal(api.listed[0]!.searchParams.get('labelSelector'), 'weft.dev/made-by=control-plane');
});

test("somebody else's is never deleted, though it differs in one thing alone", async () => {
  const api = new ApiDouble();
  const ours = await api.leave();
  const issuerRef = api.options.issuer;
  api.put('weft-label', ours, { labels: { 'app.kubernetes.io/part-of': 'weft' } });
  api.put('weft-other-value', ours, { labels: { 'weft.dev/made-by': 'me' } });
  api.put('weft-owned', ours, { ownerReferences: [{ kind: 'Certificate', name: 'shop' }] });
  api.put('shop', ours, {});
  api.put('weft-undated', ours, { creationTimestamp: undefined });
  api.put('weft-issuer', ours, {}, { issuerRef: { ...issuerRef, name: 'other' } });
  api.put('weft-kind', ours, {}, { issuerRef: { ...issuerRef, kind: 'Issuer' } });
  api.put('weft-group', ours, {}, { issuerRef: { ...issuerRef, group: 'example.org' } });
  const others = [...api.kept.keys()].filter(name => name !== ours);
  await api.clock.advance(60 * minuteMs);
  assert.equal(await removeLeftovers(api.options), 1);
  assert.deepEqual([...api.kept.keys()], others);
});

test('a right that is missing is told with the verb; one that another replica deleted is no error', async () => {
  const api = new ApiDouble();
  const ours = await api.leave();
  await api.clock.advance(10 * minuteMs);
  for (const [method, verb] of [
    ['GET', 'list'],
    ['DELETE', 'delete'],
  ] as const) {
    api.refuses = method;
    const refused = await removeLeftovers(api.options);
    assert.ok(refused instanceof WeftError);
    assert.equal(refused.code, 'issuer-cleanup');
    assert.match(refused.message, new RegExp(`cannot ${verb} .*no ${method} for you; see the Role`));
  }
  api.refuses = undefined;
  api.gone = ours;
  assert.equal(await removeLeftovers(api.options), 0);
});
