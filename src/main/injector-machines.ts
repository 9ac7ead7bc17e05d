// Machines outside of the cluster: where their join tokens are written down, and who hears of them.
import { folderJoinStore, JoinTokens } from '../ca/index.ts';
import type { KubeClient } from '../kubernetes/index.ts';
import type { Surroundings } from './injector-authority.ts';
import type { InjectorView } from './injector-view.ts';

/** Undefined where there is neither a cluster nor a folder to write down which token was used. */
export async function openMachines(
  { config, clock, log }: Surroundings,
  client: KubeClient | undefined,
  view: InjectorView,
): Promise<JoinTokens | undefined> {
  const { caDir, namespace, trustDomain, identity } = config;
  const folder = caDir === '' || caDir === '(none)' ? undefined : folderJoinStore(caDir);
  const store =
    client === undefined
      ? folder
      : (await import('../control-plane/index.ts')).configMapJoinStore(client, namespace);
  if (store === undefined) return undefined;
  const machines = new JoinTokens({
    ...{ store, trustDomain, clock },
    reserved: `${identity.namespace}/${identity.serviceAccount}`,
    notice: (severity, fields, words) => log[severity](fields, words),
    count: outcome => view.metrics.join(outcome),
  });
  view.own.push(() => machines.problems());
  return machines;
}
