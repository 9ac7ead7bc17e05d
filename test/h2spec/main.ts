// Runs h2spec, strict, against a server built of the codec alone, then against the listeners of a proxy with an app behind it.
// WEFT_H2SPEC names the program; arguments go to it.
//   make h2spec WEFT_H2SPEC=path [ARGS="http2/6.9"]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BareServer } from '../../src/http2/testing/bare-server.ts';
import { bothApp } from '../../src/proxy/testing/both-app.ts';
import { redirectedInbound, redirectedOutbound } from '../../src/proxy/testing/redirected.ts';
import { StaticMesh } from '../../src/proxy/testing/static-mesh.ts';

const program = process.env.WEFT_H2SPEC ?? '';
if (program === '') {
  console.error(
    'WEFT_H2SPEC names no h2spec: build one with `go install github.com/summerwind/h2spec/cmd/h2spec@latest` and give its path',
  );
  process.exit(2);
}
const wanted = process.argv.slice(2);

/** Prints h2spec's own words and totals; whether it found nothing wrong. */
async function passes(what: string, port: number): Promise<boolean> {
  console.log(`== ${what}`);
  const child = spawn(
    program,
    ['--host', '127.0.0.1', '--port', `${port}`, '--strict', '--timeout', '3', ...wanted],
    { stdio: 'inherit' },
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  // What .ci/run counts.
  console.log(code === 0 ? `PASS  h2spec finds nothing wrong: ${what}` : `FAIL  h2spec: ${what}, see above`);
  return code === 0;
}

const codec = new BareServer();
const app = await bothApp((request, response) => {
  request.resume();
  request.on('end', () => response.end('hello\n'));
});
const mesh = new StaticMesh();
const server = mesh.proxy('server', {
  mtls: 'permissive',
  ports: [{ number: app.port, protocol: 'http2', mtls: 'permissive' }],
});
mesh.set({ key: '10.0.0.1:80', endpoints: [mesh.plain(app.port)], protocol: 'http2' });
const inbound = redirectedInbound(server.plane, app.port);
const outbound = redirectedOutbound(server.plane, '10.0.0.1', 80);
const results = [
  await passes('the codec alone', codec.port),
  await passes('inbound listener, a client outside of the mesh', inbound.port),
  await passes('outbound listener', outbound.port),
];
for (const each of [inbound, outbound, mesh, app, codec]) each.close();
process.exit(results.every(Boolean) ? 0 : 1);
