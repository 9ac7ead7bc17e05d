// The edge that examples/ has by Ingresses, by Gateway API and in KDL is one edge: each is run as its head says, asked the same,
// and answers the same.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RunningGateway } from '../src/main/testing/running-gateway.ts';
import { readSentinel } from '../src/translate/sentinel/index.ts';
import { meshFromYaml } from '../src/translate/testing/from-yaml.ts';
import { freePorts } from '../src/wire/testing/ports.ts';

/** Each with its file, how its port is written down there, and what to give to --config. */
const edges = [
  { name: 'edge-ingress', file: 'edge.yaml', offset: true },
  { name: 'edge-gateway', file: 'edge.yaml', offset: true },
  { name: 'edge-kdl', file: 'sentinel.kdl', offset: false },
] as const;

interface Question {
  readonly method?: string;
  readonly host: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
}

const work = mkdtempSync(join(tmpdir(), 'weft-edges-'));
const servers = ['web', 'api'].map(name =>
  createServer(({ method, url }, response) => void response.end(`${name} ${method} ${url}`)),
);
const gateways: RunningGateway[] = [];
let ports: readonly number[] = [];

before(async () => {
  for (const each of servers) await new Promise<void>(resolve => void each.listen(0, '127.0.0.1', resolve));
  const [web = 0, api = 0] = servers.map(each => (each.address() as AddressInfo).port);
  ports = await freePorts(edges.length);
  for (const [index, { name, file, offset }] of edges.entries()) {
    const port = ports[index]!;
    const text = readFileSync(join(import.meta.dirname, name, file), 'utf8');
    mkdirSync(join(work, name));
    const here = join(work, name, file);
    writeFileSync(
      here,
      text.replaceAll('9001', `${web}`).replaceAll('9002', `${api}`).replaceAll('8080', `${port}`),
    );
    const [config, flags] = offset ? [join(work, name), { 'port-offset': port - 80 }] : [here, {}];
    gateways.push(await RunningGateway.start(config, flags));
  }
  await Promise.all(gateways.map(each => each.ready()));
});
after(async () => {
  await Promise.all(gateways.map(each => each.end()));
  for (const each of servers) each.close();
  rmSync(work, { recursive: true, force: true });
});

function ask(port: number, { method = 'GET', host, path, headers = {} }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers: { host, ...headers } });
    asked.on('error', reject);
    asked.on('response', answer => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', chunk => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode!, text, headers: answer.headers }));
    });
    asked.end();
  });
}

/** What all three answer, which is the same. */
async function askAll(question: Question): Promise<Answer> {
  const [first, ...others] = await Promise.all(ports.map(port => ask(port, question)));
  const counted = ({ status, text, headers }: Answer) => {
    const { date: _, 'x-request-id': _id, 'content-length': length, ...rest } = headers;
    // Answers of the gateway's own name the objects that decided, which differ.
    const own = headers['x-weft-flag'] !== undefined;
    return { status, headers: rest, ...(!own && { text, length }) };
  };
  for (const [index, each] of others.entries())
    assert.deepEqual(counted(each), counted(first!), `${edges[index + 1]!.name} ${JSON.stringify(question)}`);
  return first!;
}

test('each is read without a complaint', () => {
  for (const { name, file } of edges) {
    const text = readFileSync(join(import.meta.dirname, name, file), 'utf8');
    const { problems } = file === 'edge.yaml' ? meshFromYaml(text) : readSentinel(text, file);
    assert.deepEqual(problems, [], name);
  }
});

test('the rest of the shop goes to web, with a header of the edge', async () => {
  for (const path of ['/', '/x?y=z', '/apix', '/ap', '/a%2Fb']) {
    const { status, text, headers } = await askAll({ host: 'shop.example', path });
    assert.deepEqual([status, text, headers['x-frame-options']], [200, `web GET ${path}`, 'DENY']);
  }
});

test('/api is rewritten, and X-Next says which version it is', async () => {
  for (const [version, name] of [
    ['always', 'web'],
    ['never', 'api'],
  ] as const)
    for (const [path, rewritten] of [
      ['/api', '/'],
      ['/api/', '/'],
      ['/api/users/7?full=1', '/users/7?full=1'],
    ] as const) {
      const { text } = await askAll({ host: 'shop.example', path, headers: { 'x-next': version } });
      assert.equal(text, `${name} GET ${rewritten}`);
    }
});

test('a fifth of everybody else gets the next version', async () => {
  for (const [index, port] of ports.entries()) {
    let next = 0;
    for (let n = 0; n < 400; n++) {
      const { text } = await ask(port, { host: 'shop.example', path: '/api/x' });
      if (text === 'web GET /x') next++;
      else assert.equal(text, 'api GET /x');
    }
    // Six standard deviations: 80 ± 48.
    assert.ok(next > 32 && next < 128, `${edges[index]!.name}: ${next} of 400`);
  }
});

test('the old host is sent to the new one', async () => {
  const { status, headers } = await askAll({ host: 'old.example', path: '/a?b=c' });
  assert.deepEqual([status, headers.location], [301, 'https://shop.example/a?b=c']);
});

test('the app of another origin may call, nobody else', async () => {
  const question = { host: 'shop.example', path: '/x' };
  const origin = 'https://app.shop.example';
  const called = await askAll({ ...question, headers: { origin } });
  assert.equal(called.headers['access-control-allow-origin'], origin);
  assert.equal(called.headers['access-control-allow-credentials'], 'true');
  const asking = { 'access-control-request-method': 'POST' };
  const asked = await askAll({ ...question, method: 'OPTIONS', headers: { origin, ...asking } });
  assert.deepEqual(
    [
      asked.headers['access-control-allow-origin'],
      asked.headers['access-control-max-age'],
      asked.headers['access-control-allow-methods'],
    ],
    [origin, '600', 'GET,POST'],
  );
  const foreign = await askAll({ ...question, headers: { origin: 'https://evil.example' } });
  assert.equal(foreign.headers['access-control-allow-origin'], undefined);
});

test('hosts that no route has are not found', async () => {
  for (const host of ['nobody.example', 'shop.example.evil'])
    assert.equal((await askAll({ host, path: '/' })).status, 404);
  assert.equal((await askAll({ host: 'SHOP.example:8080', path: '/' })).status, 200);
});
