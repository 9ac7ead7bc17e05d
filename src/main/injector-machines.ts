// Machines outside of the cluster: where their join tokens are written down, who writes their entries, and who hears of them.
import { folderJoinStore, JoinTokens } from '../ca/index.ts';
import { revisionOfInjector } from '../config/index.ts';
import type { KubeClient } from '../kubernetes/index.ts';
import type { MachineRegistrar } from '../machines/index.ts';
import type { Surroundings } from './injector-authority.ts';
import type { InjectorView } from './injector-view.ts';
import type { Pipeline } from './pipeline.ts';

const tidyEveryMs = 3_600_000;

/** Undefined where there is neither a cluster nor a folder to write down which token was used. */
export async function openMachines(
  { config, clock, log, signal }: Surroundings,
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
    reserved: (namespace, serviceAccount) =>
      namespace === identity.namespace && revisionOfInjector(serviceAccount) !== undefined,
    notice: (severity, fields, words) => log[severity](fields, words),
    count: outcome => view.metrics.join(outcome),
  });
  view.own.push(() => machines.problems());
  const tidy = (): void => void machines.tidy(config.certificateLifetimeMs);
  tidy();
  signal.addEventListener('abort', clock.every(tidyEveryMs, tidy), { once: true });
  return machines;
}

/** Undefined where nobody asks for it, or there is no cluster. `leads`: whether this replica removes entries. */
export async function openRegistrar(
  { config, clock, log, signal }: Surroundings,
  client: KubeClient | undefined,
  pipeline: Pipeline,
  view: InjectorView,
  leads: () => boolean,
): Promise<MachineRegistrar | undefined> {
  if (!config.registerMachines || client === undefined) return undefined;
  const { MachineRegistrar: Registrar, WORKLOAD_ENTRY } = await import('../machines/index.ts');
  const { registry } = pipeline;
  const registrar = new Registrar({
    ...{ client, clock, log, leads, instance: config.instance, graceMs: config.machineGraceMs },
    group: key => pipeline.mesh.machineGroups.get(key)?.[0],
    *entries() {
      for (const { object } of registry.list(WORKLOAD_ENTRY)) yield object;
    },
    entry: key => registry.get(WORKLOAD_ENTRY, key)?.object,
  });
  registrar.start(signal);
  view.own.push(() => registrar.problems());
  const concern = ['WorkloadGroup.networking.istio.io', WORKLOAD_ENTRY];
  const unsubscribe = registry.subscribe(({ changes }) => {
    // The mesh hears of it first: its subscription is older.
    if (changes.some(each => concern.includes(each.kind))) registrar.changed();
  });
  signal.addEventListener('abort', unsubscribe, { once: true });
  return registrar;
}
