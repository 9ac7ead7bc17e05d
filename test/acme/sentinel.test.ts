// Sentinel's acme blocks, as they stand, with a real ACME server.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { RunningGateway } from '../../src/main/testing/running-gateway.ts';
import { until } from '../../src/main/testing/running-proxy.ts';
import { readSentinel } from '../../src/translate/sentinel/index.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { findPebble, PebbleServer } from './pebble-server.ts';

const programs = findPebble();
const skip = programs === undefined && 'no pebble with pebble-challtestsrv on PATH or in WEFT_PEBBLE';

async function namesShown(port: number, name: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: name, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerX509Certificate()?.subjectAltName ?? '';
  } catch {
    return '';
  } finally {
    socket.destroy();
  }
}

function file({
  http,
  https,
  server,
  storage,
}: {
  http: number;
  https: number;
  server: string;
  storage: string;
}): string {
  return `system { worker-threads 1 }
listeners {
    listener "plain" { address "127.0.0.1:${http}"; protocol "http" }
    listener "edge" {
        address "127.0.0.1:${https}"
        protocol "https"
        tls {
            session-resumption #false
            acme {
                email "ops@example.com"
                domains "www.example.com" "example.com"
                server-url "${server}"
                storage "${storage}"
                eab { kid "kid-1"; hmac-key "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W" }
            }
            sni {
                hostnames "api.example.com"
                acme { email "ops@example.com"; domains "api.example.com"; server-url "${server}"; storage "${storage}"; challenge-type "tls-alpn-01"; key-type "ecdsa-p384"
                    eab { kid "kid-1"; hmac-key "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W" } }
            }
        }
    }
}
routes { route "all" { matches { path-prefix "/" }; service-type "builtin"; builtin-handler "status" } }
`;
}

test('the certificates of acme blocks are fetched, over HTTP and over TLS, and kept in storage', {
  skip,
}, async context => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-sentinel-acme-'));
  const [http = 0, https = 0] = await freePorts(2);
  const external = { 'kid-1': 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W' };
  const pebble = await PebbleServer.start(programs!, { httpPort: http, tlsPort: https, external });
  const storage = join(folder, 'acme');
  const config = join(folder, 'sentinel.kdl');
  writeFileSync(config, file({ http, https, server: pebble.directory, storage }));
  writeFileSync(join(folder, 'ca.pem'), pebble.ca);
  const before = process.env.NODE_EXTRA_CA_CERTS;
  process.env.NODE_EXTRA_CA_CERTS = join(folder, 'ca.pem');
  const gateway = await RunningGateway.start(config);
  if (before === undefined) delete process.env.NODE_EXTRA_CA_CERTS;
  else process.env.NODE_EXTRA_CA_CERTS = before;
  context.after(async () => {
    await gateway.end();
    await pebble.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await gateway.ready();
  await until('both certificates', async () => {
    const shown = [await namesShown(https, 'www.example.com'), await namesShown(https, 'api.example.com')];
    return shown.join('; ') === 'DNS:example.com, DNS:www.example.com; DNS:api.example.com';
  });
  for (const name of ['acme.edge.0', 'acme.edge.1'])
    assert.ok(existsSync(join(storage, `sentinel.${name}.json`)), name);
});

test('what acme blocks cannot say is told with its place', () => {
  const wrong = (tls: string): string[] => {
    const text = `listener "a" { address "127.0.0.1:8443"; protocol "https"; tls { ${tls} } }`;
    return readSentinel(text, 'a.kdl')
      .problems.filter(each => each.severity === 'error')
      .map(each => each.message);
  };
  assert.match(wrong('acme { domains "*.example.com" }').join(), /challenge-type "dns-01"/);
  assert.match(wrong('acme { domains "a.example.com"; challenge-type "dns-01" }').join(), /dns-provider/);
  assert.match(
    wrong('acme { domains "A.example.com"\n}\nsni { acme { domains "a.example.com" } }').join(),
    /in another acme block/,
  );
  assert.match(wrong('sni { hostnames "a" }').join(), /sni has no certificate/);
  assert.match(
    wrong('acme { domains "a.example.com"; dns-provider { type "hetzner"; url "x" } }').join(),
    /webhook/,
  );
});
