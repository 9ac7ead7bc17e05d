// The way into a shop that examples/ has in the words of Traefik (Ingresses, and an IngressRoute) and of HAProxy: each is run as
// its head says, asked the same, and answers the same.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RunningGateway } from '../src/main/testing/running-gateway.ts';
import { meshFromYaml } from '../src/translate/testing/from-yaml.ts';
import { freePorts } from '../src/wire/testing/ports.ts';

const edges = ['edge-traefik', 'edge-haproxy', 'edge-ingressroute'] as const;
const yamlOf = (name: string): string => readFileSync(join(import.meta.dirname, name, 'edge.yaml'), 'utf8');
const work = mkdtempSync(join(tmpdir(), 'weft-edge-dialects-'));
const servers = ['web', 'api'].map(name =>
  createServer(({ method, url }, response) => void response.end(`${name} ${method} ${url}`)),
);
const gateways: RunningGateway[] = [];
let ports: readonly number[] = [];

before(async () => {
  for (const each of servers) await new Promise<void>(resolve => void each.listen(0, '127.0.0.1', resolve));
  const [web = 0, api = 0] = servers.map(each => (each.address() as AddressInfo).port);
  ports = await freePorts(edges.length);
  for (const [index, name] of edges.entries()) {
    mkdirSync(join(work, name));
    const yaml = yamlOf(name).replaceAll('9001', `${web}`).replaceAll('9002', `${api}`);
    writeFileSync(join(work, name, 'edge.yaml'), yaml);
    gateways.push(await RunningGateway.start(join(work, name), { 'port-offset': ports[index]! - 80 }));
  }
  await Promise.all(gateways.map(each => each.ready()));
});
after(async () => {
  await Promise.all(gateways.map(each => each.end()));
  for (const each of servers) each.close();
  rmSync(work, { recursive: true, force: true });
});

/** Status, text and what browsers are told: the same of all. */
async function askAll(host: string, path: string, headers: Record<string, string> = {}): Promise<unknown> {
  const [one, ...others] = await Promise.all(
    ports.map(
      port =>
        new Promise<unknown>((resolve, reject) => {
          const asked = request({ host: '127.0.0.1', port, path, headers: { host, ...headers } });
          asked.on('error', reject).on('response', answer => {
            let text = '';
            answer.setEncoding('utf8').on('data', chunk => (text += chunk));
            const { 'x-frame-options': frames, 'www-authenticate': challenge } = answer.headers;
            answer.on('end', () => {
              const own = answer.headers['x-weft-flag'] !== undefined;
              resolve([answer.statusCode, own ? '' : text, frames, challenge]);
            });
          });
          asked.end();
        }),
    ),
  );
  for (const other of others) assert.deepEqual(one, other, `${host}${path}`);
  return one;
}

test('each is read without a complaint', () => {
  for (const name of edges) assert.deepEqual(meshFromYaml(yamlOf(name)).problems, [], name);
});

test('the api gets its paths without /api, all else goes to web with a header of the edge', async () => {
  assert.deepEqual(await askAll('shop.example', '/api/users?full=1'), [
    200,
    'api GET /users?full=1',
    undefined,
    undefined,
  ]);
  assert.deepEqual(await askAll('shop.example', '/api'), [200, 'api GET /', undefined, undefined]);
  assert.deepEqual(await askAll('shop.example', '/x?y=z'), [200, 'web GET /x?y=z', 'DENY', undefined]);
});

test('admin is for who knows the password', async () => {
  const authorization = (password: string) => ({
    authorization: `Basic ${Buffer.from(`ann:${password}`).toString('base64')}`,
  });
  const [status, , , challenge] = (await askAll('admin.shop.example', '/')) as unknown[];
  assert.deepEqual([status, challenge], [401, 'Basic realm="shop"']);
  assert.deepEqual(((await askAll('admin.shop.example', '/', authorization('wrong'))) as unknown[])[0], 401);
  const right = await askAll('admin.shop.example', '/', authorization('secret'));
  assert.deepEqual(right, [200, 'web GET /', 'DENY', undefined]);
});

test('there are no other hosts', async () => {
  assert.equal(((await askAll('other.example', '/')) as unknown[])[0], 404);
});
