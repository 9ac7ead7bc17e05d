// An endpoint that is ill gets nothing new on the connections to it that are open: requests on kept connections of HTTP/1,
// streams of HTTP/2 between proxies, and connections of apps that ride on those; what is under way on them goes on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, type RequestListener, request } from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ClusterEndpoint, DEFAULT_TRAFFIC } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import { httpServer, type RawConnection, rawConnection, tcpServer } from './testing/clients.ts';
import { StaticMesh, type TestProxy } from './testing/static-mesh.ts';

const speaks = ['HTTP/1', 'HTTP/2', 'TCP'] as const;
type Speaks = (typeof speaks)[number];

/** Two endpoints of `app:80`, which count what is new to them; how it is spoken, a client asks once. */
class Setup {
  readonly mesh = new StaticMesh();
  readonly client: TestProxy;
  readonly came = [0, 0];
  /** What each answers; undefined: nothing, yet. */
  answers: (number | undefined)[] = [200, 200];
  readonly #t: TestContext;
  readonly #speaks: Speaks;
  #endpoints: readonly ClusterEndpoint[] = [];

  constructor(t: TestContext, spoken: Speaks) {
    this.#t = t;
    this.#speaks = spoken;
    this.client = this.mesh.proxy('client', { clock: new FakeClock() });
    t.after(() => this.mesh.close());
  }

  async start(count: number): Promise<void> {
    const endpoints: ClusterEndpoint[] = [];
    for (let at = 0; at < count; at++) {
      const app = this.#speaks === 'TCP' ? await tcpServer(this.#echo(at)) : await httpServer(this.#web(at));
      this.#t.after(() => app.close());
      if (this.#speaks === 'HTTP/1') endpoints.push(this.mesh.plain(app.port));
      else {
        const protocol = this.#speaks === 'TCP' ? 'tcp' : 'http';
        const server = this.mesh.proxy(`server-${at}`, {
          ports: [{ number: app.port, protocol, mtls: 'strict' }],
        });
        endpoints.push(this.mesh.meshed(server, app.port));
      }
    }
    this.#endpoints = endpoints;
    this.tell(endpoints.map((_, at) => at));
  }

  /** Those that are ready now. `ill`: the others have said themselves that they are not. */
  tell(ready: readonly number[], ill = false): void {
    this.mesh.set({
      key: 'app:80',
      protocol: this.#speaks === 'TCP' ? 'tcp' : 'http',
      endpoints: ready.map(at => this.#endpoints[at]!),
      total: this.#endpoints.length,
      retry: { attempts: 0 },
      settings: {
        balancer: { kind: 'round-robin' },
        outlier: { ...DEFAULT_TRAFFIC.outlier, consecutive5xx: 2, maxEjectionPercent: 50 },
        ...(this.#speaks === 'HTTP/2' && { http2: { upgrade: true } }),
      },
      ...(ill && { ill: true }),
    });
  }

  /** The status of a request, or of a connection that is opened for a word; an echo counts as 200. */
  async ask(): Promise<number> {
    const { outboundPort: port } = this.client.plane;
    if (this.#speaks === 'TCP') {
      const raw = await this.open();
      raw.write('word');
      await raw.until(({ text, closed, ended }) => text.includes('word') || closed || ended);
      raw.socket.destroy();
      return raw.text.includes('word') ? 200 : 503;
    }
    const sent = request({ host: '127.0.0.1', port, headers: { host: 'app:80' }, agent: false });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.statusCode!;
  }

  /** A connection of an app, asked for and answered. */
  async open(): Promise<RawConnection> {
    const raw = await rawConnection(this.client.plane.outboundPort);
    raw.write('CONNECT app:80 HTTP/1.1\r\nhost: app:80\r\n\r\n');
    await raw.until(({ text, closed, ended }) => text.includes('\r\n\r\n') || closed || ended);
    raw.text = '';
    return raw;
  }

  get cluster() {
    return [...this.client.plane.destinations.clusters][0]!;
  }

  /** Connections that are open and kept to the endpoints. */
  get kept(): readonly number[] {
    return [...this.cluster.endpoints].map(
      ({ pool, sessions }) => pool.figures.open + (sessions?.figures.open ?? 0),
    );
  }

  #web(at: number): RequestListener {
    return (_, response) => {
      this.came[at]!++;
      const status = this.answers[at];
      if (status === undefined) return;
      response.statusCode = status;
      response.end();
    };
  }

  #echo(at: number): (socket: Socket) => void {
    return socket => {
      this.came[at]!++;
      socket.on('data', piece => socket.write(piece));
      socket.on('end', () => socket.end());
    };
  }
}

for (const spoken of speaks) {
  test(`${spoken}: one of two that is unready gets nothing on the connections to it, and what is under way goes on`, async t => {
    const setup = new Setup(t, spoken);
    await setup.start(2);
    for (let i = 0; i < 4; i++) assert.equal(await setup.ask(), 200);
    assert.deepEqual(setup.came, [2, 2]);
    assert.ok(
      setup.kept.every(each => each > 0),
      `kept: ${setup.kept.join()}`,
    );
    const underWay = spoken === 'TCP' ? [await setup.open(), await setup.open()] : [];
    const before = [...setup.came];
    setup.tell([1]);
    for (let i = 0; i < 4; i++) assert.equal(await setup.ask(), 200);
    assert.equal(setup.came[0], before[0], 'it was asked again');
    for (const raw of underWay) {
      raw.write('still');
      await raw.until(({ text, closed, ended }) => text === 'still' || closed || ended);
      assert.equal(raw.text, 'still');
      raw.socket.destroy();
    }
  });

  test(`${spoken}: the only one, once it says itself that it is not ready, gets nothing either`, async t => {
    const setup = new Setup(t, spoken);
    await setup.start(1);
    assert.equal(await setup.ask(), 200);
    assert.ok(setup.kept[0]! > 0, 'nothing is kept');
    // Others have judged: while connections to it work it goes on.
    setup.tell([]);
    assert.equal(await setup.ask(), 200);
    assert.deepEqual(setup.came, [2, 0]);
    setup.tell([], true);
    assert.equal(await setup.ask(), 503);
    assert.deepEqual(setup.came, [2, 0], 'it was asked all the same');
    setup.tell([0]);
    assert.equal(await setup.ask(), 200);
  });
}

for (const spoken of ['HTTP/1', 'HTTP/2'] as const)
  test(`${spoken}: one that fails on kept connections is ejected, and gets nothing on them until it is back`, async t => {
    const setup = new Setup(t, spoken);
    await setup.start(2);
    for (let i = 0; i < 4; i++) assert.equal(await setup.ask(), 200);
    setup.answers = [500, 200];
    for (let i = 0; i < 4; i++) await setup.ask();
    assert.equal(setup.cluster.healthy, 1);
    const [sick] = setup.came;
    for (let i = 0; i < 6; i++) assert.equal(await setup.ask(), 200);
    assert.equal(setup.came[0], sick, 'it was asked again');
    assert.equal([...setup.cluster.endpoints].length, 2);
  });
