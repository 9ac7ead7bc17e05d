// Certificates from a real ACME server, Pebble, over real challenges. It rejects one nonce in twenty by itself.
import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { gateway, route, service } from '../../src/proxy/gateway/testing/gateway-rig.ts';
import { httpServer } from '../../src/proxy/testing/clients.ts';
import { type Clock, systemClock } from '../../src/time/index.ts';
import { AcmeRig } from './acme-rig.ts';
import { findPebble, type PebbleOptions, PebbleServer } from './pebble-server.ts';

const programs = findPebble();
const skip = programs === undefined && 'no pebble with pebble-challtestsrv on PATH or in WEFT_PEBBLE';

interface Place {
  readonly rig: AcmeRig;
  readonly pebble: PebbleServer;
  readonly yaml: string;
}

const plain = '{ name: http, port: 80, protocol: HTTP }';
const secure = (host: string, secret = 'edge', name = 'https'): string =>
  `{ name: ${name}, port: 443, protocol: HTTPS, hostname: "${host}", tls: { certificateRefs: [{ name: ${secret} }] } }`;

function issuer(pebble: PebbleServer, more = ''): string {
  return `---
apiVersion: policy.weft.dev/v1alpha1
kind: CertificateIssuer
metadata: { name: pebble, namespace: shop }
spec:
  server: ${pebble.directory}
  emails: [ops@example.com]
  caBundle: ${JSON.stringify(pebble.ca)}
  ${more}
`;
}

/** A gateway whose listeners name an issuer, and a Pebble that looks at its ports. */
async function setUp(
  context: TestContext,
  {
    listeners,
    more = '',
    replicas = 1,
    options = {},
    clock,
  }: {
    readonly listeners: readonly string[];
    readonly more?: string;
    readonly replicas?: number;
    readonly options?: Partial<PebbleOptions>;
    readonly clock?: Clock;
  },
): Promise<Place> {
  const app = await httpServer((_, response) => response.end('app'));
  const objects = [
    gateway(listeners.join(', '), '{ weft.dev/certificate-issuer: pebble }'),
    service('app', app.port),
    route('all', 'app'),
  ].join('');
  const rig = new AcmeRig(objects, replicas, clock);
  // Any replica must answer: Pebble asks the last one.
  const asked = rig.replicas.at(-1)!;
  while (asked.plane.gateway!.notReady() !== undefined || asked.plane.gateway!.ports.length === 0)
    await new Promise(setImmediate);
  const [httpPort, tlsPort] = [asked.port(80), asked.port(443)];
  const pebble = await PebbleServer.start(programs!, { httpPort, tlsPort, ...options });
  context.after(async () => {
    await rig.close();
    await pebble.stop();
    app.close();
  });
  const yaml = `${objects}${issuer(pebble, more)}`;
  rig.tell(yaml);
  rig.lead();
  return { rig, pebble, yaml };
}

/** The certificate that a client of `name` is shown. */
async function shown(port: number, name: string): Promise<X509Certificate | undefined> {
  const socket = connect({ port, host: '127.0.0.1', servername: name, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerX509Certificate();
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

const issued = { what: 'an order', fits: (news: { what: string }): boolean => news.what === 'issued' };

test('HTTP-01: a certificate is ordered, and every replica answers and shows it', { skip }, async context => {
  const { rig } = await setUp(context, { listeners: [plain, secure('www.example.com')], replicas: 2 });
  await rig.until(issued.what, issued.fits);
  for (const each of rig.replicas) {
    const certificate = await shown(each.port(443), 'www.example.com');
    assert.equal(certificate?.subjectAltName, 'DNS:www.example.com');
    assert.match(certificate!.issuer, /Pebble Intermediate/);
  }
  const names = [...rig.secrets.all.keys()].filter(each => !each.includes('account'));
  assert.deepEqual(names, ['shop/edge'], 'the Secret with the challenges is gone');
});

test('TLS-ALPN-01: the port of TLS alone is enough, and clients never see what is shown to the server', {
  skip,
}, async context => {
  const { rig } = await setUp(context, {
    listeners: [secure('www.example.com')],
    more: 'challenge: tls-alpn-01',
  });
  await rig.until(issued.what, issued.fits);
  const certificate = await shown(rig.gateway.port(443), 'www.example.com');
  assert.match(certificate!.issuer, /Pebble Intermediate/);
});

test('several names of one Secret share a certificate, with the key that the issuer says', {
  skip,
}, async context => {
  const { rig } = await setUp(context, {
    listeners: [plain, secure('a.example.com', 'edge', 'a'), secure('b.example.com', 'edge', 'b')],
    more: 'keyType: ecdsa-p384',
  });
  await rig.until(issued.what, issued.fits);
  const certificate = await shown(rig.gateway.port(443), 'b.example.com');
  assert.equal(certificate?.subjectAltName, 'DNS:a.example.com, DNS:b.example.com');
  assert.equal(certificate!.publicKey.asymmetricKeyDetails?.namedCurve, 'secp384r1');
});

test('DNS-01: a service is asked for the record, with its token, and told when it is over', {
  skip,
}, async context => {
  const asked: { action: string; domain: string; record: string; value: string }[] = [];
  const tokens = new Set<string | undefined>();
  let pebble: PebbleServer | undefined;
  const webhook = await httpServer(async (request, response) => {
    tokens.add(request.headers.authorization);
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as (typeof asked)[number];
    asked.push(body);
    await pebble!.record(body.action === 'present' ? 'set-txt' : 'clear-txt', body.record, body.value);
    response.end('{}');
  });
  context.after(() => webhook.close());
  const place = await setUp(context, {
    listeners: [secure('"*.example.com"'.slice(1, -1))],
    more: `challenge: dns-01
  dnsWebhook: { url: "http://127.0.0.1:${webhook.port}/acme", secret: dns }`,
  });
  ({ pebble } = place);
  const { rig } = place;
  const missing = await rig.until('a failure', news => news.what === 'failed');
  assert.match(missing.message, /Secret shop\/dns does not exist/);
  await rig.secrets.write(
    'shop',
    'dns',
    { type: 'Opaque', labels: {}, annotations: {}, data: { token: 's3cret' } },
    undefined,
  );
  await rig.restart();
  await rig.until(issued.what, issued.fits);
  const certificate = await shown(rig.gateway.port(443), 'www.example.com');
  assert.equal(certificate?.subjectAltName, 'DNS:*.example.com');
  assert.deepEqual(
    asked.map(({ action, domain, record }) => [action, domain, record]),
    [
      ['present', 'example.com', '_acme-challenge.example.com'],
      ['cleanup', 'example.com', '_acme-challenge.example.com'],
    ],
  );
  assert.deepEqual([...tokens], ['Bearer s3cret']);
});

test('an external account is bound; without its key the failure says so', { skip }, async context => {
  const hmacKey = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W';
  const { rig } = await setUp(context, {
    listeners: [plain, secure('www.example.com')],
    more: 'externalAccount: { keyId: kid-1, secret: eab }',
    options: { external: { 'kid-1': hmacKey } },
  });
  const missing = await rig.until('a failure', news => news.what === 'failed');
  assert.match(missing.message, /Secret shop\/eab does not exist/);
  const data = { 'hmac-key': `${hmacKey}\n` };
  await rig.secrets.write('shop', 'eab', { type: 'Opaque', labels: {}, annotations: {}, data }, undefined);
  await rig.restart();
  await rig.until(issued.what, issued.fits);
});

test('a server that looks in vain is not asked again at once, nor after a restart, and the last good certificate stays', {
  skip,
}, async context => {
  const { rig, pebble, yaml } = await setUp(context, { listeners: [plain, secure('www.example.com')] });
  await rig.until(issued.what, issued.fits);
  const before = await shown(rig.gateway.port(443), 'www.example.com');
  // A name more, which leads elsewhere: nobody answers there.
  await fetch(`http://127.0.0.1:${pebble.dnsPort}/add-a`, {
    method: 'POST',
    body: JSON.stringify({ host: 'away.example.com.', addresses: ['127.0.0.77'] }),
  });
  rig.tell(
    yaml.replace(
      secure('www.example.com'),
      `${secure('www.example.com')}, ${secure('away.example.com', 'edge', 'away')}`,
    ),
  );
  const failed = await rig.until('a failure', news => news.what === 'failed');
  assert.equal(failed.code, 'acme-challenge-failed');
  assert.match(
    failed.message,
    /away\.example\.com.*let port 80 of away\.example\.com lead to this gateway.*tried again at 20/s,
  );
  assert.deepEqual(
    (await shown(rig.gateway.port(443), 'www.example.com'))?.fingerprint256,
    before!.fingerprint256,
  );
  const ordered = (): number => pebble.words.match(/order-plz/g)?.length ?? 0;
  const orders = ordered();
  assert.ok(orders > 1);
  await rig.restart();
  await rig.untilProblem('acme-challenge-failed');
  assert.equal(ordered(), orders, 'no order after a restart');
  // The remedy: that name goes, and what is there is good.
  rig.tell(yaml);
  assert.equal(
    (await shown(rig.gateway.port(443), 'www.example.com'))?.fingerprint256,
    before!.fingerprint256,
  );
});

test('a new leader uses the same account, and orders nothing that is there', { skip }, async context => {
  const { rig, pebble, yaml } = await setUp(context, { listeners: [plain, secure('www.example.com')] });
  await rig.until(issued.what, issued.fits);
  const first = await shown(rig.gateway.port(443), 'www.example.com');
  await rig.restart();
  rig.tell(
    yaml.replace(
      secure('www.example.com'),
      `${secure('www.example.com')}, ${secure('b.example.com', 'other', 'b')}`,
    ),
  );
  await rig.until(
    'an order of the second',
    news => news.wish.names.includes('b.example.com') && news.what === 'issued',
  );
  assert.equal(
    (await shown(rig.gateway.port(443), 'www.example.com'))?.fingerprint256,
    first!.fingerprint256,
  );
  const accounts = [...rig.secrets.all.keys()].filter(each => each.includes('weft-acme-account'));
  assert.equal(accounts.length, 1);
  assert.doesNotMatch(pebble.words, /accountDoesNotExist/);
});

test('a server that is away is left alone for a while; what was ordered is ordered when it is back', {
  skip,
}, async context => {
  const { rig, pebble, yaml } = await setUp(context, { listeners: [plain, secure('www.example.com')] });
  await rig.until(issued.what, issued.fits);
  await pebble.stop();
  const asked = rig.gateway;
  rig.tell(
    yaml.replace(
      secure('www.example.com'),
      `${secure('www.example.com')}, ${secure('b.example.com', 'other', 'b')}`,
    ),
  );
  const failed = await rig.until('a failure', news => news.what === 'failed');
  assert.equal(failed.code, 'acme-unreachable');
  assert.match(failed.message, /does not answer.*tried again at/s);
  const back = await PebbleServer.start(programs!, {
    httpPort: asked.port(80),
    tlsPort: asked.port(443),
    port: pebble.port,
  });
  context.after(() => back.stop());
  // It knows no accounts any more, as one whose database was lost. A new leader asks without the wait.
  await rig.restart();
  await rig.until('an order of the second', news => news.what === 'issued');
  assert.ok(await shown(rig.gateway.port(443), 'b.example.com'));
});

for (const challenge of ['tls-alpn-01', 'dns-01'] as const)
  test(`${challenge}: a renewal outlives a restart of the server that has lost its accounts, under one leader`, {
    skip,
  }, async context => {
    let aheadMs = 0;
    const clock = { ...systemClock, now: () => Date.now() + aheadMs };
    let pebble: PebbleServer | undefined;
    const webhook = await httpServer(async (request, response) => {
      const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Record<string, string>;
      await pebble!.record(body.action === 'present' ? 'set-txt' : 'clear-txt', body.record!, body.value!);
      response.end('{}');
    });
    context.after(() => webhook.close());
    const dns = challenge === 'dns-01' ? `dnsWebhook: { url: "http://127.0.0.1:${webhook.port}/acme" }` : '';
    const place = await setUp(context, {
      ...{ listeners: [plain, secure('www.example.com')], options: { lifeSeconds: 86_400 }, clock },
      more: `challenge: ${challenge}\n  ${dns}`,
    });
    ({ pebble } = place);
    const { rig, yaml } = place;
    await rig.until(issued.what, issued.fits);
    const first = await shown(rig.gateway.port(443), 'www.example.com');
    await pebble.stop();
    pebble = await PebbleServer.start(programs!, {
      ...{ httpPort: rig.gateway.port(80), tlsPort: rig.gateway.port(443), lifeSeconds: 86_400 },
      port: pebble.port,
    });
    const back = pebble;
    context.after(() => back.stop());
    aheadMs = 17 * 3_600_000;
    rig.tell(yaml);
    const lost = await rig.until('a failure', news => news.what === 'failed');
    assert.match(lost.message, /accountDoesNotExist|does not exist|not found/i);
    // The wait after that is over, and nothing of it hangs.
    aheadMs += 120_000;
    rig.tell(yaml);
    await rig.until('the renewal', news => news.what === 'issued');
    const second = await shown(rig.gateway.port(443), 'www.example.com');
    assert.notEqual(second!.fingerprint256, first!.fingerprint256);
  });

test('a Secret that somebody else wrote is not touched', { skip }, async context => {
  const { rig, yaml } = await setUp(context, { listeners: [plain, secure('www.example.com')] });
  await rig.until(issued.what, issued.fits);
  const { data } = rig.secrets.all.get('shop/edge')!;
  await rig.secrets.write(
    'shop',
    'own',
    { type: 'kubernetes.io/tls', labels: {}, annotations: {}, data },
    undefined,
  );
  rig.tell(yaml.replace(secure('www.example.com'), secure('b.example.com', 'own')));
  await rig.untilProblem('acme-foreign-secret');
  assert.deepEqual(rig.secrets.all.get('shop/own')!.data, data);
});

test('a certificate is renewed when two thirds of its life are over, with a new key, and no connection is cut', {
  skip,
}, async context => {
  let aheadMs = 0;
  const clock = { ...systemClock, now: () => Date.now() + aheadMs };
  const { rig } = await setUp(context, {
    listeners: [plain, secure('www.example.com')],
    options: { lifeSeconds: 86_400 },
    clock,
  });
  await rig.until(issued.what, issued.fits);
  const port = rig.gateway.port(443);
  const open = connect({ port, host: '127.0.0.1', servername: 'www.example.com', rejectUnauthorized: false });
  await once(open, 'secureConnect');
  const first = open.getPeerX509Certificate()!;
  aheadMs = 17 * 3_600_000;
  await rig.restart();
  await rig.until('a renewal', news => news.what === 'issued');
  const second = await shown(port, 'www.example.com');
  assert.notEqual(second!.fingerprint256, first.fingerprint256);
  assert.ok(!second!.publicKey.equals(first.publicKey));
  open.write('GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n');
  const answer = Buffer.concat(await open.toArray()).toString();
  assert.match(answer, /^HTTP\/1.1 200 .*app$/s);
});

test('a certificate is renewed when the server asks for it (RFC 9773), and the order says which it replaces', {
  skip,
}, async context => {
  let aheadMs = 0;
  const clock = { ...systemClock, now: () => Date.now() + aheadMs };
  const { rig, pebble } = await setUp(context, { listeners: [plain, secure('www.example.com')], clock });
  await rig.until(issued.what, issued.fits);
  const first = await shown(rig.gateway.port(443), 'www.example.com');
  if (!(await pebble.tells('renewalInfo'))) {
    context.skip('this pebble has no renewalInfo');
    return;
  }
  const now = Date.now();
  const window = {
    start: new Date(now - 7_200_000).toISOString(),
    end: new Date(now - 3_600_000).toISOString(),
  };
  await pebble.suggestRenewal(first!.toString(), window);
  // The next question, a day later at most.
  aheadMs = 86_400_000;
  await rig.restart();
  await rig.until('a renewal', news => news.what === 'issued');
  assert.notEqual(
    (await shown(rig.gateway.port(443), 'www.example.com'))!.fingerprint256,
    first!.fingerprint256,
  );
});
