// Beside nginx itself: the same requests to it and to a gateway that reads Ingresses, and the same answers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, test } from 'node:test';
import { GatewayRig, service } from '../../src/proxy/gateway/testing/gateway-rig.ts';
import { httpServer } from '../../src/proxy/testing/clients.ts';
import { type Asking, type Case, cases } from './cases.ts';
import { findNginx, NginxServer } from './nginx-server.ts';

/** alice by apr1, bob by SHA; both have the password `secret`. */
const users = 'alice:$apr1$7yXrLmwK$PDJAsmOVYrMzCib.J.NGl/\nbob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n';
const program = findNginx();
const skip = program === undefined && 'no nginx on PATH or in WEFT_NGINX';

interface Place {
  readonly nginx: NginxServer;
  readonly rig: GatewayRig;
}

let place: Place | undefined;
/** Told what has come of each copy. */
let onCopy: (copy: string) => void = () => undefined;
const closing: (() => void)[] = [];

before(async () => {
  if (program === undefined) return;
  const ports = {
    app: await app('app'),
    other: await app('other'),
    auth: await server((asked, response) => {
      response.writeHead(Number(asked.headers['x-auth'] ?? 200), { 'x-user': 'alice' }).end();
    }),
    copies: await server((asked, response) => {
      let body = '';
      asked.setEncoding('latin1').on('data', (piece: string) => (body += piece));
      asked.on('end', () => {
        response.end();
        onCopy(`${asked.method} ${asked.url} ${asked.headers.host} '${body}'`);
      });
    }),
    pages: await server((asked, response) => {
      response
        .writeHead(Number(asked.headers['x-code']), { 'x-page': 'yes' })
        .end(`page of ${asked.headers['x-code']} ${asked.headers['x-original-uri']}`);
    }),
  };
  const upstreams = Object.entries(ports).map(
    ([name, port]) => `upstream ${name} { server 127.0.0.1:${port}; }`,
  );
  const nginx = await NginxServer.start(
    program,
    listen => `limit_req_zone $binary_remote_addr zone=rpm:1m rate=1r/m; limit_req_status 503; proxy_http_version 1.1;
geo $dollar { default "$"; }
${upstreams.join('\n')}
${cases.map(each => `server { listen 127.0.0.1:${listen}; server_name ${hostOf(each)}; ${each.nginx} }`).join('\n')}`,
    { users },
  );
  closing.push(() => void nginx.stop());
  const services = Object.entries(ports).map(([name, port]) => service(name, port));
  const rig = new GatewayRig(
    [ingressClass, secretOfUsers, ...configMaps, ...services, ...cases.map(ingressOf)].join(''),
  );
  closing.push(() => rig.close());
  while (rig.plane.gateway!.notReady() !== undefined || rig.port(80) === 0) await new Promise(setImmediate);
  place = { nginx, rig };
});

after(() => {
  for (const close of closing) close();
});

for (const each of cases) {
  test(`beside nginx: ${each.name}`, { skip }, async () => {
    const { nginx, rig } = place!;
    for (const asking of each.asking) {
      const what = `${asking.method ?? 'GET'} ${asking.path ?? '/'} ${JSON.stringify(asking.headers ?? {})}`;
      const theirs = await withCopy(asking, () => ask(nginx.port, hostOf(each), asking));
      const ours = await withCopy(asking, () => ask(rig.port(80), hostOf(each), asking));
      assert.deepEqual({ ...ours, tookMs: 0 }, { ...theirs, tookMs: 0 }, what);
      assert.equal(ours.status, asking.status, what);
      // What is measured is not compared.
      for (const { tookMs } of asking.leastMs === undefined ? [] : [theirs, ours])
        assert.ok(tookMs >= asking.leastMs!, `${what} took ${tookMs} ms`);
    }
  });
}

const ingressClass = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: nginx, annotations: { weft.dev/https-port: '8443' } }
spec:
  controller: weft.dev/ingress-controller
  parameters: { apiGroup: gateway.networking.k8s.io, kind: Gateway, namespace: shop, name: edge, scope: Namespace }
`;

const secretOfUsers = `---
apiVersion: v1
kind: Secret
metadata: { name: users, namespace: shop }
stringData: { auth: ${JSON.stringify(users)} }
`;

const configMaps = [
  ['question', { 'X-Auth': '403', 'X-Asked': '$host$request_uri' }],
  ['headers', { 'X-Frame-Options': 'a 100% $host', 'X-Powered-By': '' }],
  ['ingress-nginx-controller', { 'global-allowed-response-headers': 'X-Frame-Options,X-Powered-By' }],
].map(
  ([name, data]) =>
    `---\n${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data })}\n`,
);

function hostOf({ name }: Case): string {
  return `${name.replace(/[^a-z]+/g, '-')}.example`;
}

/** JSON is YAML. */
function ingressOf(of: Case): string {
  const { annotations, paths = [['/', 'Prefix']] } = of;
  const names = Object.entries(annotations).map(([name, value]) => [
    `nginx.ingress.kubernetes.io/${name}`,
    value,
  ]);
  return `---\n${JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: hostOf(of), namespace: 'shop', annotations: Object.fromEntries(names) },
    spec: {
      ingressClassName: 'nginx',
      rules: [
        {
          host: hostOf(of),
          http: {
            paths: paths.map(([path, pathType, name = 'app']) => ({
              path,
              pathType,
              backend: { service: { name, port: { number: 80 } } },
            })),
          },
        },
      ],
    },
  })}\n`;
}

/** What of an answer must be the same. */
interface Seen {
  readonly status: number;
  readonly location: string | undefined;
  readonly challenge: string | undefined;
  readonly encoding: string | undefined;
  readonly vary: string | undefined;
  readonly frame: string | undefined;
  readonly poweredBy: string | undefined;
  readonly cookies: readonly string[];
  readonly refresh: string | undefined;
  /** What the app has seen of the request. */
  readonly seen: string | undefined;
  /** The page for an error; what nginx and Weft say themselves is in their own words. */
  readonly page: string | undefined;
  readonly length: number;
  readonly tookMs: number;
}

/** The answer, with what has come of the copy. */
async function withCopy(asking: Asking, answer: () => Promise<Seen>): Promise<Seen & { copy?: string }> {
  if (asking.copies !== true) return answer();
  const copied = new Promise<string>(resolve => {
    onCopy = resolve;
  });
  return { ...(await answer()), copy: await copied };
}

async function ask(
  port: number,
  name: string,
  { path = '/', method = 'GET', headers = {}, body, host = name }: Asking,
): Promise<Seen> {
  const startMs = performance.now();
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    method,
    headers: { host, ...headers },
    agent: false,
  });
  // Who is refused before the end of the body may find the connection closed.
  sent.on('error', () => undefined);
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  response.on('error', () => undefined);
  for await (const piece of response) pieces.push(piece as Buffer);
  const { location, 'www-authenticate': challenge, 'content-encoding': encoding, vary } = response.headers;
  const text = (name: string): string | undefined => response.headers[name] as string | undefined;
  return {
    status: response.statusCode ?? 0,
    location,
    challenge,
    encoding,
    // nginx compresses its own words, too.
    vary: text('x-app') === undefined ? undefined : vary?.toLowerCase(),
    frame: text('x-frame-options'),
    poweredBy: text('x-powered-by'),
    cookies: response.headers['set-cookie'] ?? [],
    refresh: text('refresh'),
    seen: text('x-app'),
    page: text('x-page') === undefined ? undefined : Buffer.concat(pieces).toString(),
    length: text('x-app') === undefined || encoding !== undefined ? 0 : Buffer.concat(pieces).length,
    tookMs: performance.now() - startMs,
  };
}

/** An app that says in a field what it has seen; the field is left alone by all who compress. */
async function app(name: string): Promise<number> {
  return server((asked, response) => {
    const { method, url = '', headers } = asked;
    if (url.startsWith('/silent')) return;
    let length = 0;
    asked.on('data', (piece: Buffer) => (length += piece.length));
    asked.on('end', () => {
      const seen = {
        name,
        method,
        url,
        host: headers.host,
        length,
        user: headers['x-user'],
        login: headers.authorization,
      };
      if (url === '/framed')
        response.setHeader('x-frame-options', 'SAMEORIGIN').setHeader('x-powered-by', 'app');
      if (url.startsWith('/places')) {
        // As the app knows its places: names and paths that no client can use.
        response.setHeader('location', url.endsWith('/own') ? 'http://inner.test/a?b' : '/elsewhere');
        response.setHeader('refresh', '5; url=http://inner.test/next');
        response.setHeader('set-cookie', [
          'a=1; Domain=.Inner.test; Path=/inner/x; HttpOnly',
          'b=inner.test; path=/other; domain=sub.inner.test',
          'c=3',
        ]);
      }
      response.setHeader('x-app', JSON.stringify(seen)).setHeader('content-type', 'application/json');
      const status = /^\/status\/(\d+)/.exec(url)?.[1];
      const size = /^\/size\/(\d+)/.exec(url)?.[1];
      response.writeHead(Number(status ?? 200)).end('x'.repeat(Number(size ?? (url === '/big' ? 5000 : 10))));
    });
  });
}

async function server(listener: Parameters<typeof httpServer>[0]): Promise<number> {
  const { port, close } = await httpServer(listener);
  closing.push(close);
  return port;
}
