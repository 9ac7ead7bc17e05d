// Trust between trust domains: whose roots are fetched, and where ours are told.
import type { Authority } from '../ca/index.ts';
import { FederatedBundles, fetchBundle, serveBundle } from '../federation/index.ts';
import type { CertificateKeeper } from '../identity/index.ts';
import type { Surroundings } from './injector-authority.ts';
import type { InjectorView } from './injector-view.ts';

/** The roots of other trust domains, with its problems and metrics. */
export function followOthers({ clock, signal }: Surroundings, view: InjectorView): FederatedBundles {
  const bundles = new FederatedBundles({ clock, fetch: fetchBundle, signal });
  view.own.push(() => bundles.problems());
  view.parts.federation = () =>
    bundles.status().map(({ fetchedAtMs, ...each }) => ({
      ...each,
      ...(fetchedAtMs !== undefined && { ageS: (clock.now() - fetchedAtMs) / 1000 }),
    }));
  return bundles;
}

/** Tells our own roots where the configuration says so; resolves with the port, 0 where it does not. */
export function tellOwn(
  { config, clock, signal, log }: Surroundings,
  live: Authority,
  keeper: CertificateKeeper,
  view: InjectorView,
): Promise<number> {
  const { bundleListen: listen } = config;
  if (listen === undefined) return Promise.resolve(0);
  return serveBundle({
    ...{ listen, clock, signal, roots: () => live.roots, credentials: use => keeper.subscribe(use) },
    refused: code => view.metrics.refused(code),
  }).then(port => {
    log.info({ port }, 'tells other trust domains the roots of this one, as a SPIFFE bundle');
    return port;
  });
}
