import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CertificateAuthority } from '../ca/index.ts';
import type { InjectorConfig } from '../config/injector-config.ts';
import type { StreamStatus } from '../discovery/index.ts';
import { WeftError } from '../errors/index.ts';
import { createKeyAndCsr, principalOf } from '../identity/index.ts';
import { startLiveServer, TokenAccess } from '../live/api/index.ts';
import { Live } from '../live/index.ts';
import { parseSpiffe } from '../model/index.ts';
import { eventually } from '../proxy/testing/redirected.ts';
import { systemClock } from '../time/index.ts';
import { dashboardSource } from './injector-dashboard.ts';
import type { InjectorParts } from './injector-view.ts';
import { liveRoutes } from './live-routes.ts';

const injector = 'spiffe://cluster.local/ns/weft-system/sa/weft-injector';
const config = {
  ...{ trustDomain: 'cluster.local', clusterDomain: 'cluster.local', source: 'kubernetes', files: '' },
} as Partial<InjectorConfig> as InjectorConfig;
const place = { config, clock: systemClock, problems: () => [] };

/** A replica to which these pods are connected. */
function replica(...pods: readonly string[]): InjectorParts {
  const status = (): StreamStatus[] =>
    pods.map(pod => ({
      ...{ pod, principal: '', proxyVersion: '0.1.0', address: '10.0.0.1', connectedAtMs: 1 },
      ...{ destinations: 0, outstanding: 0, resources: [] },
    }));
  return { server: { status } } as unknown as InjectorParts;
}

test('a page has the proxies of all replicas, which replicas tell each other by their certificates alone', async context => {
  const authority = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock });
  const { keyPem, csrPem } = createKeyAndCsr();
  const signed = authority.sign(csrPem, parseSpiffe(injector)!, {});
  assert.ok(!(signed instanceof WeftError));
  const { chainPem } = signed;
  const credentials = {
    keyPem,
    chainPem,
    roots: authority.roots,
    isReplica: (shown?: string) => shown === injector,
  };
  const stop = new AbortController();
  context.after(() => stop.abort());
  const far = replica('shop/far-0', 'shop/far-1');
  const port = await startLiveServer({
    listen: { host: '127.0.0.1', port: 0 },
    routes: liveRoutes(far, 'injector-far', () => ({ peers: [], credentials }), place),
    access: new TokenAccess('of nobody here'),
    tls: use => {
      use({ keyPem, chainPem, authorities: authority.roots });
      return () => {};
    },
    isPeer: shown => principalOf(shown) === injector,
    clock: systemClock,
    signal: stop.signal,
  });
  const peers = [{ name: 'injector-far', host: '127.0.0.1', port }];
  const near = dashboardSource(
    replica('shop/near-0'),
    {
      ...{ live: new Live(() => undefined), replica: 'injector-near', chosen: () => () => true },
      peers: () => ({ peers, credentials }),
    },
    place,
  );
  const rows = (): string[] =>
    near.mesh(new Set()).controlPlane.proxies.map(({ pod, replica: of }) => `${pod} ${of}`);
  assert.deepEqual(rows(), ['shop/near-0 injector-near']);
  await eventually(() => rows().length === 3);
  assert.deepEqual(rows(), [
    ...['shop/near-0 injector-near', 'shop/far-0 injector-far', 'shop/far-1 injector-far'],
  ]);
  assert.equal(near.mesh(new Set()).controlPlane.proxyCount, 3);
});
