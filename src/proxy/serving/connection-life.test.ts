import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import { clusterTools, explain } from '../../explain/index.ts';
import { FakeClock } from '../../time/index.ts';
import type { ConnectionLives } from '../services/connection-lives.ts';
import { bothApp } from '../testing/both-app.ts';
import { closeAll } from '../testing/clients.ts';
import { eventually, redirectedInbound } from '../testing/redirected.ts';
import { StaticMesh } from '../testing/static-mesh.ts';

/** An empty message of gRPC. */
const message = Buffer.alloc(5);

interface Watch {
  readonly stream: ClientHttp2Stream;
  trailers: IncomingHttpHeaders | undefined;
}

/** A server whose calls of `/watch` go on for ever, its proxy, and a client with so many of them. */
async function setUp(calls: number, lives: Partial<ConnectionLives> = {}) {
  const clock = new FakeClock();
  const app = await bothApp((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/grpc' });
    response.write(message);
  });
  const mesh = new StaticMesh();
  const ports = [{ number: app.port, protocol: 'grpc', mtls: 'permissive' }] as const;
  const server = mesh.proxy('server', { mtls: 'permissive', ports, clock, lives });
  const inbound = redirectedInbound(server.plane, app.port);
  const session = connect(`http://127.0.0.1:${inbound.port}`).on('error', () => {});
  const watches: Watch[] = [];
  for (let i = 0; i < calls; i++) {
    const headers = {
      ':method': 'POST',
      ':path': '/watch',
      'content-type': 'application/grpc',
      te: 'trailers',
    };
    const stream = session.request(headers, { endStream: false });
    const watch: Watch = { stream, trailers: undefined };
    stream
      .on('error', () => {})
      .on('trailers', trailers => {
        watch.trailers = trailers;
      });
    watches.push(watch);
    await once(stream, 'data');
  }
  const close = (): void => {
    session.destroy();
    closeAll(inbound, mesh, app);
  };
  const ended = (): number => watches.filter(({ trailers }) => trailers !== undefined).length;
  return { clock, server, inbound, session, watches, ended, close };
}

test('calls that outlast the drain end with UNAVAILABLE in words, a few at a time, and not before', async t => {
  const { clock, server, inbound, session, watches, ended, close } = await setUp(40);
  t.after(close);
  const goaway = once(session, 'goaway');
  server.plane.drain();
  inbound.drain();
  await goaway;
  await clock.advance(14_900);
  assert.equal(ended(), 0);
  await clock.advance(2_500);
  await eventually(() => ended() > 0);
  const atFirst = ended();
  assert.ok(atFirst < 30, `${atFirst} of 40 ended in the first half of the time`);
  await clock.advance(3_500);
  await eventually(() => ended() === 40);
  const { trailers } = watches[0]!;
  assert.equal(trailers!['grpc-status'], '14');
  assert.match(String(trailers!['grpc-message']), /this pod is going and ends calls that go on/);
  await eventually(() => server.plane.services.active === 0 && session.destroyed);
  const [record] = server.plane.recorded({ kept: 'failed' }).records;
  const { cause } = explain(record!.id, [server.plane.recorded({ id: record!.id })], clusterTools)!;
  assert.deepEqual([record!.flag, cause?.code], ['LR', 'call-ended']);
});

test('a connection that has reached its age is left in order, and its calls have what grace there is', async t => {
  const lives = { maxAgeMs: 600_000, maxAgeGraceMs: 60_000, spreadMs: 1_000 };
  const { clock, server, session, watches, ended, close } = await setUp(2, lives);
  t.after(close);
  let told = false;
  session.on('goaway', () => {
    told = true;
  });
  for (let minute = 0; minute < 8; minute++) await clock.advance(60_000);
  assert.equal(told, false);
  for (let step = 0; step < 18 && !told; step++) {
    await clock.advance(10_000);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  await eventually(() => told);
  assert.equal(ended(), 0);
  await clock.advance(45_000);
  assert.equal(ended(), 0);
  await clock.advance(20_000);
  await eventually(() => ended() === 2 && server.plane.services.active === 0);
  assert.match(String(watches[0]!.trailers!['grpc-message']), /has reached its age .* ends calls that go on/);
});

test('without a grace calls go on beyond the age of their connection', async t => {
  const { clock, session, ended, close } = await setUp(1, { maxAgeMs: 1_000 });
  t.after(close);
  const goaway = once(session, 'goaway');
  await clock.advance(1_200);
  await goaway;
  await clock.advance(50_000);
  assert.equal(ended(), 0);
});
