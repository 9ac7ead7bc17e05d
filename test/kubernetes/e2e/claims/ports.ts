// The table of docs/security.md, tried by a pod of another namespace that is not in the mesh. test/sandbox/ports.test.ts tries
// the same without a webhook; here the API server asks it, so that it is there.
import { strict as assert } from 'node:assert';
import { PORTS } from '../../../../src/config/index.ts';
import { container, podSpec, programs } from '../cases.ts';
import type { Claim } from '../claim.ts';
import { type Cluster, isReady, until } from '../cluster.ts';

const nobody = /^(?:ECONN|EPROTO|ERR_|socket hang up|HPE_|silence|write E)/;

interface Try {
  readonly scheme: 'http' | 'https';
  readonly method?: 'GET' | 'POST';
  /** The pod that is asked: a proxy's, or the control plane's. */
  readonly of: 'proxy' | 'injector';
  readonly port: number;
  readonly path: string;
  /** What it must hear. */
  readonly hears: RegExp;
}

const tries: readonly Try[] = [
  {
    of: 'proxy',
    port: PORTS.admin,
    scheme: 'http',
    method: 'POST',
    path: '/quitquitquit',
    hears: /^ECONNREFUSED/,
  },
  { of: 'proxy', port: PORTS.outbound, scheme: 'http', path: '/', hears: /^(?!2\d\d)/ },
  { of: 'proxy', port: PORTS.inbound, scheme: 'http', path: '/', hears: /^(?!2\d\d)/ },
  { of: 'proxy', port: PORTS.health, scheme: 'http', path: '/ready', hears: /^200/ },
  { of: 'proxy', port: PORTS.health, scheme: 'http', path: '/config_dump', hears: /^404/ },
  {
    of: 'proxy',
    port: PORTS.health,
    scheme: 'http',
    method: 'POST',
    path: '/quitquitquit',
    hears: /^(?!2\d\d)/,
  },
  { of: 'injector', port: PORTS.discovery, scheme: 'http', path: '/', hears: nobody },
  { of: 'injector', port: PORTS.discovery, scheme: 'https', path: '/', hears: nobody },
  { of: 'injector', port: PORTS.controlPlaneMetrics, scheme: 'http', path: '/metrics', hears: /^200 # / },
  {
    of: 'injector',
    port: PORTS.controlPlaneMetrics,
    scheme: 'http',
    path: '/debug/proxies',
    hears: /^403 .*(?:outside\/neighbour may not|is starting)/s,
  },
  {
    of: 'injector',
    port: PORTS.controlPlaneMetrics,
    scheme: 'http',
    path: '/debug/authority',
    hears: /^403 /,
  },
  {
    of: 'injector',
    port: PORTS.controlPlaneMetrics,
    scheme: 'http',
    method: 'POST',
    path: '/metrics',
    hears: /^(?!2\d\d)/,
  },
  { of: 'injector', port: PORTS.live, scheme: 'https', path: '/live/figures', hears: /^40[13] / },
  { of: 'injector', port: PORTS.webhook, scheme: 'http', path: '/', hears: nobody },
  { of: 'injector', port: PORTS.webhook, scheme: 'https', path: '/', hears: /^404 .*reviews go to/ },
  { of: 'injector', port: PORTS.webhook, scheme: 'https', path: '/debug', hears: /^404 / },
  { of: 'injector', port: PORTS.webhook, scheme: 'https', method: 'POST', path: '/inject', hears: /^400 / },
];

export const closedPorts: Claim = {
  name: 'a neighbour that is not in the mesh gets at each port what docs/security.md says, the webhook among them',
  async run({ cluster, settings }) {
    const addresses = {
      proxy: await addressOf(cluster, 'shop', 'app=cart'),
      injector: await addressOf(cluster, 'weft-system', ''),
    };
    const words = tries.map(
      ({ of, port, scheme, method = 'GET', path }, at) =>
        `${at} ${scheme} ${method} ${addresses[of]} ${port} ${path}`,
    );
    await cluster.apply(programs('outside'), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'neighbour', namespace: 'outside' },
      spec: podSpec([container(settings.shopImage, 'app', ['/apps/neighbour.mjs', ...words])]),
    });
    const path = '/api/v1/namespaces/outside/pods/neighbour';
    const log = await until('the neighbour to have asked', async () => {
      const text = await cluster.text(`${path}/log`, { container: 'app' });
      return /^done$/m.test(text) && text;
    });
    await cluster.delete(path, { gracePeriodSeconds: 0 });
    const heard = new Map(
      log
        .split('\n')
        .filter(line => line.startsWith('{'))
        .map(line => JSON.parse(line) as { name: string; said: string })
        .map(({ name, said }) => [Number(name), said] as const),
    );
    const wrong = tries.flatMap(({ hears, of, port, path: asked }, at) => {
      const said = heard.get(at) ?? 'nothing';
      return hears.test(said) ? [] : [`${of}:${port}${asked} says '${said}', and not ${hears}`];
    });
    assert.deepEqual(wrong, []);
    return `${tries.length} calls to ${new Set(tries.map(({ port }) => port)).size} ports`;
  },
};

async function addressOf(cluster: Cluster, namespace: string, selector: string): Promise<string> {
  const pod = (await cluster.pods(namespace, selector)).find(isReady);
  const address = pod?.status.podIP;
  if (address === undefined) throw new Error(`no pod of ${namespace} is ready (${selector})`);
  return address;
}
