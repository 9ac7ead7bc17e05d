// Services of a catalog as objects, from a server that holds questions back as Consul does; test/real-servers/consul.test.ts
// asks a real one.
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Registry } from '../../registry/index.ts';
import { systemClock } from '../../time/index.ts';
import { ConsulSource } from './index.ts';
import { entryName, serviceEntryOf } from './service-entry.ts';

interface TestInstance {
  readonly address: string;
  readonly port: number;
  readonly meta?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  readonly kind?: string;
}

/** A Consul whose catalog is what the test says; `down` answers 500. */
class Catalog {
  readonly asked: string[] = [];
  down = false;
  #index = 10;
  #services = new Map<string, readonly TestInstance[]>();
  #waiting: (() => void)[] = [];
  readonly #server = createServer((request, response) => this.#answer(request.url ?? '', response));

  async start(t: TestContext): Promise<string> {
    await new Promise<void>(resolve => void this.#server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  set(services: Readonly<Record<string, readonly TestInstance[]>>): void {
    this.#services = new Map(Object.entries(services));
    this.wake();
  }

  /** Every question that waits is answered. */
  wake(): void {
    this.#index++;
    for (const answer of this.#waiting.splice(0)) answer();
  }

  #answer(target: string, response: ServerResponse): void {
    this.asked.push(target);
    const { pathname, searchParams } = new URL(target, 'http://consul');
    const tell = (): void => {
      if (this.down) return void response.writeHead(500).end('No cluster leader');
      response.writeHead(200, { 'x-consul-index': this.#index });
      response.end(JSON.stringify(this.#bodyOf(pathname)));
    };
    if (Number(searchParams.get('index') ?? 0) >= this.#index) this.#waiting.push(tell);
    else tell();
  }

  #bodyOf(path: string): unknown {
    if (path === '/v1/catalog/services')
      return Object.fromEntries([...this.#services.keys(), 'consul'].map(name => [name, []]));
    const found = this.#services.get(decodeURIComponent(path.split('/').at(-1)!)) ?? [];
    return found.map(({ address, port, meta = {}, tags = [], kind = '' }) => ({
      Node: { Address: '10.0.0.1' },
      Service: { Address: address, Port: port, Meta: meta, Tags: tags, Kind: kind },
      Checks: [],
    }));
  }
}

async function place(t: TestContext, catalog: Catalog) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const address = await catalog.start(t);
  const registry = new Registry({ clock: systemClock });
  const source = new ConsulSource({ address, namespace: 'consul', domain: 'consul', clock: systemClock });
  const entries = registry.of(source);
  const entry = (name: string): unknown =>
    [...registry.list('ServiceEntry.networking.istio.io')].find(
      each => each.object.metadata.name === `consul-${name}`,
    )?.object.spec;
  return { source, entry, started: source.start(entries, stop.signal) };
}

/** Resolves when it holds: the test would hang, and be ended, otherwise. */
async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 5));
}

test('a service is a ServiceEntry of its name in Consul, on the port of its instances', () => {
  const instance = { host: '10.1.0.1', port: 8080, weight: 3, kind: '' };
  const spec = (...instances: Parameters<typeof serviceEntryOf>[1]): unknown =>
    serviceEntryOf('Web_api', instances, { namespace: 'consul', domain: 'consul' })?.spec;
  assert.equal(entryName('Web_api'), 'consul-web-api');
  assert.deepEqual(
    spec(
      {
        ...instance,
        tags: ['primary', 'version=v2', 'a=b=c'],
        meta: { protocol: 'http', owner: 'not a label!' },
      },
      { ...instance, host: '10.1.0.2', weight: 1, tags: [], meta: {} },
      { ...instance, kind: 'connect-proxy', port: 20_000, tags: [], meta: {} },
    ),
    {
      hosts: ['Web_api.service.consul'],
      location: 'MESH_INTERNAL',
      resolution: 'STATIC',
      ports: [{ number: 8080, name: 'service', protocol: 'HTTP' }],
      endpoints: [
        {
          ...{ address: '10.1.0.1', ports: { service: 8080 }, weight: 3 },
          labels: { version: 'v2', protocol: 'http' },
        },
        { address: '10.1.0.2', ports: { service: 8080 }, weight: 1, labels: {} },
      ],
    },
  );
  const two = spec(
    { ...instance, tags: [], meta: {} },
    { ...instance, port: 31_000, host: 'db.test', tags: [], meta: {} },
  ) as { ports: readonly { number: number }[]; resolution: string };
  assert.deepEqual([two.ports[0]!.number, two.resolution], [80, 'DNS']);
  assert.equal(spec({ ...instance, kind: 'connect-proxy', tags: [], meta: {} }), undefined);
});

test('services come, change and go without being asked for again', async t => {
  const catalog = new Catalog();
  catalog.set({ api: [{ address: '10.1.0.1', port: 80 }], web: [{ address: '10.1.0.9', port: 80 }] });
  const { entry, source, started } = await place(t, catalog);
  await started;
  const addresses = (name: string): readonly string[] | undefined =>
    (entry(name) as { endpoints: readonly { address: string }[] } | undefined)?.endpoints.map(
      each => each.address,
    );
  assert.deepEqual([addresses('api'), addresses('web')], [['10.1.0.1'], ['10.1.0.9']]);
  catalog.set({ api: [{ address: '10.1.0.2', port: 80 }], shop: [{ address: '10.1.0.7', port: 80 }] });
  await eventually(() => addresses('shop') !== undefined && addresses('web') === undefined);
  await eventually(() => addresses('api')?.join() === '10.1.0.2');
  assert.deepEqual(addresses('shop'), ['10.1.0.7']);
  assert.ok(
    catalog.asked.every(each => !each.includes('/consul?')),
    'Consul itself is none of them',
  );
  // None of its instances is well: it stays, with no endpoint, so that callers are answered and not sent elsewhere.
  catalog.set({ api: [], shop: [] });
  await eventually(() => addresses('api')?.length === 0 && addresses('shop')?.length === 0);
  assert.deepEqual(source.problems(), []);
});

test('while Consul is away what was found stays, and that is a problem, said once', async t => {
  const catalog = new Catalog();
  catalog.set({ api: [{ address: '10.1.0.1', port: 80 }], web: [{ address: '10.1.0.9', port: 80 }] });
  const { entry, source, started } = await place(t, catalog);
  await started;
  catalog.down = true;
  catalog.wake();
  await eventually(() => source.problems().length > 0);
  assert.match(
    source.problems()[0]!.message,
    /cannot be asked of Consul at http:.*: answered 500 No cluster leader; what was found before stays$/,
  );
  assert.equal(source.problems().length, 1);
  assert.ok(entry('api') && entry('web'));
  catalog.down = false;
  catalog.wake();
  await eventually(() => source.problems().length === 0);
});

test('who starts while Consul is away goes on without it, and has its services when it comes', async t => {
  const catalog = new Catalog();
  catalog.down = true;
  catalog.set({ api: [{ address: '10.1.0.1', port: 80 }] });
  const { entry, source, started } = await place(t, catalog);
  await eventually(() => source.problems().length > 0);
  catalog.down = false;
  await started;
  await eventually(() => entry('api') !== undefined);
});
