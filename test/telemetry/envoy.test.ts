// Lines of access logs beside those of the real Envoy for the same requests, byte for byte: formats as text and as JSON, and whom
// a filter lets through. Envoy is on PATH or named by WEFT_ENVOY; without one this is skipped.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePorts } from '../../src/wire/testing/ports.ts';

const envoy = process.env.WEFT_ENVOY ?? 'envoy';
const hasEnvoy = spawnSync(envoy, ['--version']).status === 0;

/** What both know alike; times, and addresses of their own, differ. */
const text = [
  '%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %REQ(:PATH):4% %PROTOCOL% %RESPONSE_CODE% %RESP(:STATUS)%',
  '%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% %RESPONSE_CODE_DETAILS% "%CONNECTION_TERMINATION_DETAILS%"',
  '%BYTES_RECEIVED% %BYTES_SENT% "%REQ(USER-AGENT):5%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%REQ(X-NONE)%"',
  '"%REQ(X-NONE?X-TEAM)%" "%RESP(X-KIND?SERVER)%" "%RESP(X-KIND):2%" %UPSTREAM_HOST% %UPSTREAM_PROTOCOL%',
  '%REQUESTED_SERVER_NAME% %VIRTUAL_CLUSTER_NAME% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS_NUMBER% %GRPC_STATUS%',
  '100%% %ENVIRONMENT(WEFT_NONE)% %REQUEST_HEADERS_BYTES:0%%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
]
  .join(' ')
  .replace('%REQUEST_HEADERS_BYTES:0%', '');

const json = {
  method: '%REQ(:METHOD)%',
  status: '%RESPONSE_CODE%',
  flags: '%RESPONSE_FLAGS%',
  sent: '%BYTES_SENT%',
  team: '%REQ(X-TEAM)%',
  none: '%REQ(X-NONE)%',
  both: '%RESPONSE_CODE%:%REQ(X-NONE)%',
  'a "quoted" name': '%REQ(X-QUOTED)%',
  nested: { path: '%REQ(:PATH)%', deeper: { kind: '%RESP(X-KIND)%' } },
  fixed: 'text',
};

const filter =
  "response.code >= 400 || (request.method == 'POST' && request.headers['x-team'] == 'red') || request.path.endsWith('id=7')";

const requests: readonly (readonly [head: string, body: string])[] = [
  ['GET /cart?id=7', ''],
  ['GET /cart', ''],
  ['GET /missing', ''],
  ['GET /broken', ''],
  ['HEAD /cart', ''],
  ['POST /cart', 'abcdef'],
  ['POST /other', 'abc'],
  ['GET /grpc', ''],
  ['GET /grpc?not', ''],
  ['GET /kind', ''],
  ['OPTIONS /cart;a=b/%41?x=%20&y', ''],
  // Without a body: each has words of its own.
  ['HEAD /cut', ''],
];

function headersOf(index: number): string {
  const team = index % 2 === 1 ? 'x-team: red\r\n' : '';
  const type = requests[index]![0] === 'GET /grpc' ? 'content-type: application/grpc\r\n' : '';
  return `host: app.shop:80\r\nuser-agent: tester/1.0 (x)\r\nx-request-id: id-${index}\r\n${team}${type}x-quoted: a "b" \\ c\r\n`;
}

/** Of both. */
async function backend(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      const { url } = request;
      if (url === '/cut') {
        request.socket.destroy();
        return;
      }
      const status = url === '/missing' ? 404 : url === '/broken' ? 500 : 200;
      const more = url?.startsWith('/grpc')
        ? { 'grpc-status': '5' }
        : url === '/kind'
          ? { 'x-kind': 'special' }
          : {};
      response.writeHead(status, { 'content-length': 5, ...more });
      response.end('hello');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** One connection for each request: the order of lines is that of requests. */
async function ask(port: number, index: number): Promise<void> {
  const [head, body] = requests[index]!;
  const length = body === '' ? '' : `content-length: ${body.length}\r\n`;
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.write(`${head} HTTP/1.1\r\n${headersOf(index)}${length}connection: close\r\n\r\n${body}`);
  await once(socket, 'close');
}

function envoyConfig(port: number, app: number, files: readonly string[]): object {
  const typed = (name: string, rest: object): object => ({ '@type': `type.googleapis.com/${name}`, ...rest });
  const log = (path: string, format: object, only?: object): object => ({
    name: 'envoy.access_loggers.file',
    ...(only && { filter: only }),
    typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
      path,
      log_format: format,
    }),
  });
  const inline = { text_format_source: { inline_string: `${text}\n` } };
  const cel = {
    extension_filter: {
      name: 'cel',
      typed_config: typed('envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter', {
        expression: filter,
      }),
    },
  };
  const manager = typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'in',
    preserve_external_request_id: true,
    // As Istio has them.
    server_header_transformation: 'PASS_THROUGH',
    normalize_path: true,
    access_log: [log(files[0]!, inline), log(files[1]!, { json_format: json }), log(files[2]!, inline, cel)],
    http_filters: [
      { name: 'router', typed_config: typed('envoy.extensions.filters.http.router.v3.Router', {}) },
    ],
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'app' } }] },
      ],
    },
  });
  const at = (number: number): object => ({ socket_address: { address: '127.0.0.1', port_value: number } });
  return {
    static_resources: {
      listeners: [
        {
          name: 'in',
          address: at(port),
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
      clusters: [
        {
          name: 'app',
          type: 'STATIC',
          load_assignment: {
            cluster_name: 'app',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: at(app) } }] }],
          },
        },
      ],
    },
  };
}

function weftObjects(app: number, files: readonly string[]): string {
  const provider = (name: string, path: string, format: object): object => ({
    name,
    envoyFileAccessLog: { path, logFormat: format },
  });
  const mesh = {
    extensionProviders: [
      provider('text', files[0]!, { text }),
      provider('json', files[1]!, { labels: json }),
      provider('filtered', files[2]!, { text }),
    ],
  };
  const objects = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'app', namespace: 'shop' },
      spec: { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80, targetPort: app }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'app-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'app' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: app }],
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'app', namespace: 'shop' },
      spec: {
        hosts: ['app'],
        http: [{ route: [{ destination: { host: 'app' } }], retries: { attempts: 0 } }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'cart-1', namespace: 'shop', labels: { app: 'cart' } },
      spec: { containers: [{ name: 'app', image: 'app' }] },
      status: { phase: 'Running', podIP: '127.0.0.9', podIPs: [{ ip: '127.0.0.9' }] },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio', namespace: 'istio-system' },
      data: { mesh: JSON.stringify(mesh) },
    },
    {
      apiVersion: 'telemetry.istio.io/v1',
      kind: 'Telemetry',
      metadata: { name: 'logs', namespace: 'shop' },
      spec: {
        accessLogging: [
          { providers: [{ name: 'text' }, { name: 'json' }] },
          { providers: [{ name: 'filtered' }], filter: { expression: filter } },
        ],
      },
    },
  ];
  return objects.map(each => JSON.stringify(each)).join('\n---\n');
}

async function listens(port: number): Promise<void> {
  for (const limit = performance.now() + 60_000; ; ) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    assert.ok(performance.now() < limit, `nobody listens on ${port}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

const linesOf = (file: string): string[] => {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
};

/** Lines about requests of this test, once there are so many. */
async function lines(file: string, count: number): Promise<string[]> {
  for (const limit = performance.now() + 60_000; ; ) {
    const found = linesOf(file).filter(line => !line.includes('/begin'));
    if (found.length >= count) return found;
    assert.ok(
      performance.now() < limit,
      `${file} has ${found.length} lines, not ${count}:\n${found.join('\n')}`,
    );
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

test('the same lines as Envoy, as text and as JSON, for the same requests', {
  skip: !hasEnvoy && 'there is no Envoy',
}, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-envoy-lines-'));
  const app = await backend();
  const { port: appPort } = app.address() as AddressInfo;
  const [envoyPort = 0, outbound = 0, inbound = 0, admin = 0, health = 0] = await freePorts(5);
  const children: ChildProcess[] = [];
  t.after(() => {
    for (const child of children) child.kill('SIGKILL');
    app.closeAllConnections();
    app.close();
    rmSync(folder, { recursive: true });
  });
  const files = (whose: string): string[] =>
    ['text', 'json', 'filtered'].map(name => join(folder, `${whose}-${name}.log`));
  const config = join(folder, 'envoy.json');
  writeFileSync(config, JSON.stringify(envoyConfig(envoyPort, appPort, files('envoy'))));
  const objects = join(folder, 'objects');
  mkdirSync(objects);
  writeFileSync(join(objects, 'objects.yaml'), weftObjects(appPort, files('weft')));
  children.push(
    spawn(
      envoy,
      [
        '-c',
        config,
        '--concurrency',
        '1',
        '--disable-hot-restart',
        '--file-flush-interval-msec',
        '50',
        '-l',
        'error',
      ],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    ),
  );
  const flags = {
    discovery: 'files',
    files: objects,
    listen: '127.0.0.1',
    'pod-name': 'cart-1',
    'pod-namespace': 'shop',
    'outbound-port': outbound,
    'inbound-port': inbound,
    'admin-port': admin,
    'health-port': health,
  };
  const program = join(import.meta.dirname, '../../src/main/weft-proxy.ts');
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  children.push(
    spawn(process.execPath, [program, 'run', '--no-redirect', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  await listens(envoyPort);
  await listens(outbound);
  // Until its logs are there, what settings ask for is still being loaded.
  for (const limit = performance.now() + 60_000; linesOf(files('weft')[0]!).length === 0; ) {
    assert.ok(performance.now() < limit, 'no line');
    const socket = connect(outbound, '127.0.0.1')
      .on('error', () => {})
      .resume();
    socket.write('GET /begin HTTP/1.1\r\nhost: app.shop:80\r\nconnection: close\r\n\r\n');
    await once(socket, 'close');
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  for (let index = 0; index < requests.length; index++) {
    await ask(envoyPort, index);
    await ask(outbound, index);
  }
  for (const [which, name] of ['text', 'json', 'filtered'].entries()) {
    const theirs = await lines(files('envoy')[which]!, name === 'filtered' ? 5 : requests.length);
    const ours = await lines(files('weft')[which]!, theirs.length);
    assert.deepEqual(ours, theirs, name);
  }
});
