// What single options of a file do to requests: one gateway with real sockets, told of the next file by SIGHUP.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { type Asked, ask, Gateway, type Seen, until } from './inside/machine.ts';

/** A server that says who it is, and how its requests came; `hold` keeps answers until `release`. */
class Backend {
  readonly requests: IncomingMessage[] = [];
  readonly bodies: string[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  status = 200;
  hold = false;
  readonly #held: (() => void)[] = [];
  readonly #server = createServer((request, response) => this.#answer(request, response));

  async start(): Promise<void> {
    this.#server.keepAliveTimeout = 0;
    this.#server.on('connection', socket => {
      this.connections++;
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>(resolve => void this.#server.listen(0, '127.0.0.1', resolve));
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get held(): number {
    return this.#held.length;
  }

  release(): void {
    this.hold = false;
    for (const answer of this.#held.splice(0)) answer();
  }

  /** Forgets what came. */
  reset(): void {
    this.release();
    this.status = 200;
    this.requests.length = 0;
    this.bodies.length = 0;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    let body = '';
    request.on('error', () => {});
    request.on('data', chunk => {
      body += chunk;
    });
    request.on('end', () => {
      this.requests.push(request);
      this.bodies.push(body);
      const answer = (): void => {
        response.writeHead(this.status);
        response.end(JSON.stringify({ who: this.address, path: request.url, headers: request.headers }));
      };
      if (this.hold) this.#held.push(answer);
      else answer();
    });
  }
}

const folder = mkdtempSync(join(tmpdir(), 'weft-sentinel-options-'));
const [one, two] = [new Backend(), new Backend()];
let port = 0;
let admin = 0;
let gateway: Gateway;
let version = 0;

before(async () => {
  await Promise.all([one.start(), two.start()]);
  const [first = 0, second = 0, health = 0] = await freePorts(3);
  port = first;
  admin = second;
  const flags = ['--listen', '127.0.0.1', '--admin-port', `${admin}`, '--health-port', `${health}`];
  gateway = await Gateway.start(folder, `listener "l" { address "127.0.0.1:${port}" }`, flags);
});
after(async () => {
  gateway?.signal('SIGKILL');
  await gateway?.ended;
  for (const each of [one, two]) each.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Brings a file into force; its listener may say more. Resolves once requests meet it. */
async function inForce(text: string, ofListener = ''): Promise<void> {
  for (const each of [one, two]) each.reset();
  version++;
  const marked = `${text}
    listener "l" { address "127.0.0.1:${port}"; ${ofListener} }
    filter "mark" { type "redirect"; status-code 301; replace-full-path "/v${version}" }
    route "mark" { priority "critical"; matches { path "/mark" }; filters "mark" }`;
  const logged = gateway.log.length;
  await gateway.reload(marked);
  assert.ok(!/"severity":"error"|nothing changes/.test(gateway.log.slice(logged)), gateway.log.slice(logged));
  await until(`version ${version}`, async () =>
    String((await get('/mark')).headers.location).endsWith(`/v${version}`),
  );
}

const get = (path: string, also: Partial<Asked> = {}): Promise<Seen> => ask({ path, port, ...also });
const upstream = (also = '', targets = [one.address]): string =>
  `upstream "u" { ${targets.map(each => `target "${each}"; `).join('')}${also} }\n`;
const route = (also = ''): string => `route "r" { matches { path-prefix "/" }; upstream "u"; ${also} }\n`;
const statuses = (seen: readonly Seen[]): readonly number[] => seen.map(({ status }) => status);

test('limits max-header-*: a head with more fields, a longer name or a longer value is answered 431', async () => {
  await inForce(
    `limits { max-header-count 8; max-header-name-bytes 10; max-header-value-bytes 30 }\n${upstream()}${route()}`,
  );
  const many = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`x-${index}`, 'v']));
  assert.equal((await get('/', { headers: { 'x-short': 'v'.repeat(30) } })).status, 200);
  assert.equal((await get('/', { headers: many })).status, 431);
  const name = await get('/', { headers: { 'x-much-longer': 'v' } });
  assert.equal(name.status, 431);
  assert.match(name.body, /its field x-much-longer has a name of more than 10 bytes/);
  const value = await get('/', { headers: { 'x-short': 'v'.repeat(31) } });
  assert.equal(value.status, 431);
  assert.match(value.body, /its field x-short has more than 30 bytes/);
});

test('max-concurrent-streams of a listener: HTTP/2 clients are told, and what is beyond is refused', async t => {
  await inForce(`${upstream()}${route()}`, 'max-concurrent-streams 2');
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  await new Promise<void>(resolve => void session.once('remoteSettings', () => resolve()));
  assert.equal(session.remoteSettings.maxConcurrentStreams, 2);
});

test('limits of requests under way: of all together 503 with Retry-After, and of each route', async () => {
  await inForce(`limits { max-in-flight-requests 1 }\n${upstream()}${route()}`);
  one.hold = true;
  const first = get('/first');
  await until('a request at the upstream', () => one.held === 1);
  const second = await get('/second');
  assert.equal(second.status, 503);
  assert.equal(second.headers['retry-after'], '1');
  assert.match(second.body, /more than 1 requests under way at once/);
  one.release();
  assert.equal((await first).status, 200);
  assert.equal((await get('/third')).status, 200);

  const other = 'route "other" { matches { path "/other" }; upstream "u" }';
  await inForce(`limits { max-connections-per-route 1 }\n${upstream()}${route()}${other}`);
  one.hold = true;
  const held = [get('/first')];
  await until('a request at the upstream', () => one.held === 1);
  held.push(get('/other'));
  await until('one of another route', () => one.held === 2);
  assert.equal((await get('/second')).status, 503);
  one.release();
  assert.deepEqual(statuses(await Promise.all(held)), [200, 200]);
});

test('max-requests of a target: others get what it may not have, and where all are full the answer is 503', async () => {
  const targets = `target "${one.address}" max-requests=1; target "${two.address}" max-requests=1`;
  await inForce(`upstream "u" { ${targets} }\n${route()}`);
  for (const each of [one, two]) each.hold = true;
  const held = [get('/a'), get('/b')];
  await until('one request at each', () => one.held === 1 && two.held === 1);
  const third = await get('/c');
  assert.equal(third.status, 503);
  assert.match(third.body, /all 2 endpoints of .* have as many requests under way as they may/);
  for (const each of [one, two]) each.release();
  assert.deepEqual(statuses(await Promise.all(held)), [200, 200]);
});

test('connection-pool: no more idle connections than max-idle, and none beyond max-lifetime', async () => {
  await inForce(`${upstream('connection-pool { max-idle 1 }')}${route()}`);
  one.hold = true;
  const three = [1, 2, 3].map(each => get(`/${each}`));
  await until('three requests at once', () => one.held === 3);
  one.release();
  assert.deepEqual(statuses(await Promise.all(three)), [200, 200, 200]);
  await until('one idle connection', () => one.sockets.size === 1);

  await inForce(`${upstream('connection-pool { max-lifetime-secs 1 }')}${route()}`);
  assert.equal((await get('/')).status, 200);
  assert.ok(one.sockets.size > 0);
  await until('no connection', () => one.sockets.size === 0);
});

const breaker = 'failure-threshold 2; timeout-seconds 1; success-threshold 2; half-open-max-requests 1';
for (const [name, ofUpstream, ofRoute] of [
  ['of an upstream', `circuit-breaker { ${breaker} }`, ''],
  ['of a route', '', `circuit-breaker { ${breaker} }`],
] as const) {
  test(`circuit-breaker ${name}: a target that failed comes back half open, and in full after its successes`, async () => {
    await inForce(`${upstream(ofUpstream, [one.address, two.address])}${route(ofRoute)}`);
    one.status = 500;
    const endpoint = async (): Promise<string> => {
      const { body } = await ask({ path: '/clusters', port: admin });
      const its = body.slice(body.indexOf(one.address));
      return /"health":\s*(?:\{\s*"state":\s*)?"([a-z-]+)"/.exec(its)?.[1] ?? body;
    };
    await until('its ejection', async () => {
      await get('/');
      return (await endpoint()) === 'ejected';
    });
    one.status = 200;
    await until('its return on trial', async () => (await endpoint()) === 'half-open');
    one.hold = true;
    // Whoever comes while it has a request goes to the other.
    const held: Promise<Seen>[] = [];
    await until('a request at it', () => {
      if (one.held === 0) held.push(get('/'));
      return one.held === 1;
    });
    const others = await Promise.all(Array.from({ length: 8 }, () => get('/')));
    assert.deepEqual(new Set(others.map(({ who }) => who)), new Set([two.address]));
    one.release();
    await Promise.all(held);
    await until('its return in full', async () => {
      await get('/');
      return (await endpoint()) === 'healthy';
    });
  });
}

test('shadow: a copy waits for its body, is not made of a longer one, and is given up after timeout-ms', async () => {
  const shadow = (also: string): string =>
    `upstream "copies" { target "${two.address}" }\n${route(`shadow { upstream "copies"; ${also} }`)}`;
  await inForce(`${upstream()}${shadow('buffer-body #true; max-body-bytes 10; timeout-ms 200')}`);
  const post = (body: string): Promise<Seen> => get('/', { method: 'POST', body });
  assert.equal((await post('x'.repeat(11))).status, 200);
  assert.equal((await post('short')).status, 200);
  await until('the copy', () => two.bodies.length === 1);
  assert.deepEqual(two.bodies, ['short']);
  two.hold = true;
  const sockets = new Set(two.sockets);
  assert.equal((await post('slow')).status, 200);
  await until('the copy', () => two.held === 1);
  await until('its end', () => [...two.sockets].every(each => !sockets.has(each)));
});

test('rate-limit message: who is refused is told that, by client and by route', async () => {
  const limit = (id: string, key: string): string =>
    `filter "${id}" { type "rate-limit"; max-rps 1; burst 0; key "${key}"; message "come back later" }\n`;
  for (const key of ['client-ip', 'route']) {
    await inForce(`${limit('f', key)}${upstream()}${route('filters "f"')}`);
    const seen = await Promise.all([get('/'), get('/'), get('/')]);
    const refused = seen.find(({ status }) => status === 429);
    assert.equal(refused?.body, 'come back later\n', key);
  }
});

test('rate-limit max-keys: of more clients the one is forgotten that was longest idle', async () => {
  const limit = (keys: number): string =>
    `filter "f" { type "rate-limit"; max-rps 1; burst 0; key "header:x-client"; max-keys ${keys} }\n`;
  const askAs = (client: string): Promise<Seen> => get('/', { headers: { 'x-client': client } });
  const thrice = async (keys: number): Promise<readonly number[]> => {
    await inForce(`${limit(keys)}${upstream()}${route('filters "f"')}`);
    return statuses([await askAs(`a${keys}`), await askAs(`b${keys}`), await askAs(`a${keys}`)]);
  };
  assert.deepEqual(await thrice(1), [200, 200, 200]);
  assert.deepEqual(await thrice(9), [200, 200, 429]);
});

test('very many hosts: each request gets the route that the file says, and a change of one is in force', async () => {
  const mark = (index: number, word: string): string =>
    `route "r${index}" { matches { host "h${index}.test" }; upstream "u"; policies { response-headers { set { x-route "${word}" } } } }`;
  const hosts = (word: string): string =>
    `${upstream()}${Array.from({ length: 150 }, (_, index) => mark(index, index === 7 ? word : `r${index}`)).join('\n')}`;
  // Beside its own, the route of `inForce` stands in the table of every host.
  await inForce(hosts('r7'));
  const at = async (host: string, path = '/'): Promise<unknown> => {
    const { status, headers } = await get(path, { headers: { host } });
    return headers['x-route'] ?? status;
  };
  assert.deepEqual(
    [
      await at('h7.test'),
      await at('H149.TEST:8080'),
      await at('none.test'),
      await at('h7.test', '/_/health'),
    ],
    ['r7', 'r149', 404, 200],
  );
  assert.equal(await at('h7.test', '/mark'), 301);
  await inForce(hosts('changed'));
  await until('the change', async () => (await at('h7.test')) === 'changed');
  assert.equal(await at('h8.test'), 'r8');
});
