// A server that can be told to be down: HTTP with /metrics on 8080, TCP on 9090, gRPC's health on 9091, the file /tmp/up for exec probes. Its control port 9900
// is for whoever runs the test: POST /down, POST /up, POST /fetch?url=… (calls that from inside the pod), POST /kill-proxy (of a pod that
// shares its process namespace: the proxy dies without warning). On SIGTERM it ends.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';

let served = 0;
let servers = [];
const sessions = new Set();

function handle(request, response) {
  if (request.url === '/metrics') {
    response.end(`# TYPE target_requests_total counter\ntarget_requests_total ${served}\n`);
    return;
  }
  if (request.url !== '/healthz') served += 1;
  response.end(`${JSON.stringify({ service: 'target', pod: process.env.POD_NAME, url: request.url })}\n`);
}

async function up() {
  if (servers.length > 0) return;
  const http = createServer(handle).listen(8080);
  const tcp = createTcpServer(socket => socket.on('error', () => {}).end('hello\n')).listen(9090);
  const grpc = createHttp2Server()
    .on('stream', health)
    .on('session', session => sessions.add(session))
    .listen(9091);
  servers = [http, tcp, grpc];
  writeFileSync('/tmp/up', '');
}

/** grpc.health.v1.Health/Check: a HealthCheckResponse whose status (field 1) is SERVING (1), whatever is asked. */
function health(stream) {
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
}

async function down() {
  for (const session of sessions) session.destroy();
  sessions.clear();
  rmSync('/tmp/up', { force: true });
  const stopped = servers;
  servers = [];
  for (const server of stopped) {
    server.closeAllConnections?.();
    server.close();
  }
}

function killProxy() {
  for (const id of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    const [, program = ''] = readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0');
    if (program.endsWith('/weft-proxy')) process.kill(Number(id), 'SIGKILL');
  }
}

const control = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://control');
  try {
    if (pathname === '/down') await down();
    else if (pathname === '/up') await up();
    else if (pathname === '/kill-proxy') killProxy();
    else {
      const answer = await fetch(searchParams.get('url'));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ status: answer.status, text: await answer.text() }));
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end('{}');
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error.cause ?? error));
  }
});

await up();
control.listen(9900);
process.on('SIGTERM', () => process.exit(0));
