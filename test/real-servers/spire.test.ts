// Federation with a real SPIRE: each side fetches the other's bundle, workloads call each other by mutual TLS under their own
// names, and a rotated root of SPIRE's is followed. A pod with real rules and a real proxy; beside it SPIRE, its workloads and
// our control plane.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { splitRoots, TokenIssuer } from '../../src/ca/index.ts';
import { WeftError } from '../../src/errors/index.ts';
import { apply } from '../../src/redirect/apply.ts';
import { plan } from '../../src/redirect/plan.ts';
import { cannotRun, type Namespace, podAndPeer } from '../../src/redirect/testing/namespace.ts';
import { systemClock } from '../../src/time/index.ts';
import { Place } from './place.ts';
import { RealSpire, type SvidFiles } from './spire-server.ts';
import type { Answer } from './spire-workload.ts';
import { until } from './until.ts';

const { WEFT_SPIRE_SERVER: server, WEFT_SPIRE_AGENT: agent, WEFT_SPIRE_DATABASE: database } = process.env;
const skip =
  server === undefined || agent === undefined
    ? 'needs a SPIRE: WEFT_SPIRE_SERVER and WEFT_SPIRE_AGENT'
    : cannotRun();

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../src/main');
const workload = join(import.meta.dirname, 'spire-workload.ts');
const [POD, OUTSIDE, VIRTUAL] = ['10.77.0.2', '10.77.0.1', '10.96.0.20'];
const BILLING = 'spiffe://spire.example/region/eu/billing';
const OURS = 'spiffe://cluster.local/ns/shop/sa/server';
const INJECTOR = 'spiffe://cluster.local/ns/weft-system/sa/weft-injector';

const objects = (bundleUrl: string, roots: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: weft-mesh, namespace: weft-system}
data:
  mesh: |
    caCertificates:
      - trustDomains: [spire.example]
        spiffeBundleUrl: ${bundleUrl}
        endpointSpiffeId: spiffe://spire.example/spire/server
        pem: ${JSON.stringify(roots)}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: shop, labels: {app: server}, annotations: {weft.dev/status: '{"version":"test"}'}}
spec: {serviceAccountName: server, containers: [{name: app, image: app}]}
status: {phase: Running, podIP: ${POD}, podIPs: [{ip: ${POD}}], conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: shop}
spec: {clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], selector: {app: server}, ports: [{name: http, port: 8080}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: server, namespace: shop}
spec: {selector: {matchLabels: {app: server}}, mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: server, namespace: shop}
spec:
  selector: {matchLabels: {app: server}}
  rules: [{from: [{source: {principals: [spire.example/region/eu/billing]}}]}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: billing, namespace: shop}
spec:
  hosts: [billing.spire.example]
  addresses: [${VIRTUAL}]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 9443}]
  endpoints: [{address: ${OUTSIDE}}]
  subjectAltNames: ["${BILLING}"]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: billing, namespace: shop}
spec: {host: billing.spire.example, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}
`;

/** Our control plane beside SPIRE, and the proxy of the pod. */
async function startMesh(
  place: Place,
  pod: Namespace,
  outside: Namespace,
  spire: RealSpire,
): Promise<string> {
  const { folder } = place;
  const caDir = join(folder, 'ca');
  const files = join(folder, 'mesh');
  mkdirSync(files);
  writeFileSync(join(files, 'mesh.yaml'), objects(spire.bundleUrl, await spire.server('bundle', 'show')));
  const issuer = 'https://tokens.example';
  const tokens = TokenIssuer.create({ issuer, clock: systemClock });
  assert.ok(!(tokens instanceof WeftError));
  const [keys, token, root] = ['keys.json', 'token', 'root.pem'].map(name => join(folder, name));
  writeFileSync(keys!, JSON.stringify(tokens.jwks()));
  writeFileSync(token!, await tokens.issue({ namespace: 'shop', serviceAccount: 'server', pod: 'server' }));
  const listen = ['--listen', `${OUTSIDE}:15012`, '--metrics-listen', `${OUTSIDE}:15014`];
  const more = ['--live-listen', '127.0.0.1:0', '--bundle-listen', `${OUTSIDE}:15018`];
  const authority = [
    '--source',
    `files:${files}`,
    '--ca-dir',
    caDir,
    '--token-keys',
    keys!,
    '--token-issuer',
    issuer,
  ];
  await place.run(
    outside,
    [process.execPath, join(main, 'weft-injector.ts'), ...authority, ...listen, ...more],
    /the control plane serves proxies/,
  );
  // Readable for the proxy's user, which the file of the authority is not.
  writeFileSync(root!, readFileSync(join(caDir, 'root-cert.pem')));
  await apply(plan({}).plan!, { run: pod.run });
  const own = [
    '--pod-name',
    'server',
    '--pod-namespace',
    'shop',
    '--pod-ips',
    POD,
    '--service-account',
    'server',
  ];
  const plane = ['--control-plane', `${OUTSIDE}:15012`, '--token', token!, '--root-certificate', root!];
  const asUser = ['setpriv', '--reuid=1337', '--regid=1337', '--clear-groups', process.execPath];
  await place.run(
    pod,
    [...asUser, join(main, 'weft-proxy.ts'), 'run', ...plane, ...own],
    /connected to the control plane/,
  );
  return caDir;
}

/** What the program of workloads prints in this namespace. */
async function asked(where: Namespace, ...args: readonly string[]): Promise<Answer> {
  const { stdout, stderr } = await where.run(process.execPath, [workload, ...args]);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Answer;
}

test('a real SPIRE and the mesh trust each other, each for its own names', { skip }, async t => {
  await using spaces = await podAndPeer();
  const { pod, peer: outside } = spaces;
  await using place = new Place();
  // The proxy is no root.
  chmodSync(place.folder, 0o755);
  const spire = await RealSpire.start({ server: server!, agent: agent!, database }, place, outside, OUTSIDE);
  const caDir = await startMesh(place, pod, outside, spire);
  const ourBundle = join(place.folder, 'weft.json');
  const call = ({ cert, key, federated }: SvidFiles): Promise<Answer> =>
    asked(outside, 'call', `https://${POD}:8080/`, cert, key, federated, OURS);
  const rootsOfSpire = async (): Promise<number> => {
    const { body } = await asked(outside, 'get', `http://${OUTSIDE}:15014/metrics`, 'metrics');
    return Number(/^weft_federated_roots\{trust_domain="spire\.example"\} (\d+)/m.exec(body)?.[1]);
  };
  let svid: SvidFiles;

  await t.test('SPIRE takes our bundle as a file, and then fetches it', async () => {
    const printed = await run(process.execPath, [join(main, 'weft.ts'), 'ca', 'bundle', '--ca-dir', caDir]);
    writeFileSync(ourBundle, printed.stdout);
    const ours = 'spiffe://cluster.local';
    await spire.server('bundle', 'set', '-format', 'spiffe', '-id', ours, '-path', ourBundle);
    const endpoint = ['-bundleEndpointURL', `https://${OUTSIDE}:15018/`, '-endpointSpiffeID', INJECTOR];
    const profile = ['-trustDomain', 'cluster.local', '-bundleEndpointProfile', 'https_spiffe'];
    await spire.server('federation', 'create', ...profile, ...endpoint);
    await spire.server('federation', 'refresh', '-id', ours);
    const fetched = /Bundle refreshed.*cluster\.local|cluster\.local.*Bundle refreshed/;
    await until(
      'SPIRE has fetched our bundle',
      () => Promise.resolve(place.lines.some(line => fetched.test(line))),
      Boolean,
    );
  });

  await t.test('a workload of SPIRE calls the pod under its own name', async () => {
    await spire.register(BILLING, 'spiffe://cluster.local');
    svid = await until('the agent names the workload', () => spire.fetch());
    await place.run(pod, [process.execPath, workload, 'app', '8080'], /^listening/);
    const answer = await until(
      'the pod answers',
      () => call(svid),
      ({ status }) => status === 200,
    );
    assert.equal(answer.body, `By=${OURS};URI=${BILLING}`);
    const other = await spire.mint('spiffe://spire.example/other', svid.federated);
    assert.equal((await call(other)).status, 403);
  });

  await t.test('the pod calls a workload of SPIRE, which sees the name of the pod', async () => {
    const { cert, key, federated } = svid;
    await place.run(
      outside,
      [process.execPath, workload, 'serve', '9443', cert, key, federated],
      /^listening/,
    );
    const answer = await asked(pod, 'get', `http://${VIRTUAL}/`, 'billing.spire.example');
    assert.deepEqual(answer, { status: 200, body: `URI:${OURS}` });
  });

  await t.test('a rotated root of SPIRE is followed, and the one before is believed no more', async () => {
    const authorityOf = async (
      ...words: readonly string[]
    ): Promise<Record<string, { authority_id: string }>> =>
      JSON.parse(await spire.server('localauthority', 'x509', ...words, '-output', 'json')) as Record<
        string,
        { authority_id: string }
      >;
    const [oldRoot] = splitRoots([await spire.server('bundle', 'show')]);
    const before = (await authorityOf('show')).active!.authority_id;
    const prepared = (await authorityOf('prepare')).prepared_authority!.authority_id;
    const roots = splitRoots([await spire.server('bundle', 'show')]);
    const newRoot = new X509Certificate(roots.find(each => each !== oldRoot)!);
    await until('both roots are known', rootsOfSpire, count => count === 2);
    await spire.server('localauthority', 'x509', 'activate', '-authorityID', prepared);
    await spire.server('localauthority', 'x509', 'taint', '-authorityID', before);
    const isOfNew = ({ cert }: SvidFiles): boolean =>
      new X509Certificate(readFileSync(cert)).verify(newRoot.publicKey);
    const old = svid;
    assert.ok(!isOfNew(old));
    const renewed = await until(
      'the workload has a certificate of the new root',
      () => spire.fetch(),
      isOfNew,
    );
    assert.equal((await call(renewed)).body, `By=${OURS};URI=${BILLING}`);
    await spire.server('localauthority', 'x509', 'revoke', '-authorityID', before);
    await until('the old root is gone', rootsOfSpire, count => count === 1);
    assert.equal(
      (
        await until(
          'the old one is refused',
          () => call(old),
          ({ status }) => status === 0,
        )
      ).status,
      0,
    );
    assert.equal((await call(renewed)).status, 200);
  });
});
