// Proxies for Gateways: which of them are deployed, and as what. Loaded only where the control plane is told to deploy any.
import { GatewayDeployer, type WantedGateway } from '../control-plane/index.ts';
import { deploymentObjects, type Installation, planOf, settingsOf } from '../deployment/index.ts';
import type { KubeClient } from '../kubernetes/index.ts';
import { DEPLOY_ANNOTATION, type Gateway, isOurs, type Mesh, servedObjects } from '../model/index.ts';
import type { Stored } from '../registry/index.ts';
import type { Surroundings } from './injector-authority.ts';
import type { InjectorView } from './injector-view.ts';
import type { InjectorWebhook } from './injector-webhook.ts';
import type { Pipeline } from './pipeline.ts';

const kind = 'Gateway.gateway.networking.k8s.io';
/** What these say has no part in what is deployed. */
const quiet = new Set(['Pod', 'Node', 'Endpoints', 'EndpointSlice.discovery.k8s.io', 'Namespace', 'Service']);

/** What the replica that leads does for gateways. */
export function openGateways(
  client: KubeClient,
  pipeline: Pipeline,
  webhook: InjectorWebhook,
  { config, clock, signal }: Surroundings,
  view: InjectorView,
): { lead(leading: AbortSignal): Promise<void> } {
  const { minor } = webhook;
  const installation = (): Installation => {
    const { inject } = webhook.settings();
    return {
      systemNamespace: config.namespace,
      revision: config.revision,
      proxyImage: inject.proxyImage,
      imagePullPolicy: inject.imagePullPolicy,
      trustDomain: config.trustDomain,
      clusterDomain: config.clusterDomain,
      logLevel: inject.logLevel,
      accessLog: inject.accessLog,
      policyVersion: minor < 21 ? 'policy/v1beta1' : 'policy/v1',
    };
  };
  const deployer = new GatewayDeployer({
    ...{ client, clock, minor, namespaces: config.deployGateways },
    wanted: () => wantedGateways(pipeline, config.deployGateways, installation()),
  });
  view.own.push(() => deployer.problems());
  const stops = [
    pipeline.registry.subscribe(({ changes }) => {
      if (changes.some(each => !quiet.has(each.kind))) deployer.changed();
    }),
    // The settings of injection name the image.
    clock.every(10_000, () => deployer.changed()),
  ];
  signal.addEventListener('abort', () => stops.forEach(stop => void stop()), { once: true });
  return { lead: leading => deployer.lead(leading) };
}

/** Gateways of ours in these namespaces whose proxies nobody deploys by hand. */
export function wantedGateways(
  { registry, mesh }: Pick<Pipeline, 'registry' | 'mesh'>,
  namespaces: 'all' | readonly string[],
  installation: Installation,
): readonly WantedGateway[] {
  return [...registry.list(kind)].flatMap(stored => {
    const { namespace } = stored.ref;
    if (namespaces !== 'all' && !namespaces.includes(namespace)) return [];
    return wantedOf(stored, mesh, installation) ?? [];
  });
}

function wantedOf(
  { object, ref }: Stored,
  mesh: Mesh,
  installation: Installation,
): WantedGateway | undefined {
  const { uid, annotations = {} } = object.metadata as { uid?: string; annotations?: Record<string, string> };
  const gateway = `${ref.namespace}/${ref.name}`;
  // A ListenerSet that the Gateway does not let in opens no port of its Service.
  const all = servedObjects(
    mesh.gateways.get(gateway) ?? [],
    each => isOurGateway(each, mesh),
    namespace => mesh.namespaces.get(namespace)?.[0]?.labels ?? {},
  );
  const own = all.find(each => each.from.kind === ref.kind && each.from.name === ref.name);
  if (uid === undefined || own === undefined || annotations[DEPLOY_ANNOTATION] === 'none') return undefined;
  const read = settingsOf(own, mesh);
  // Its status says what is wrong; what runs goes on as it is.
  if ('why' in read || own.addresses?.some(each => each.type !== 'IPAddress' && each.value !== undefined))
    return { gateway, uid };
  const plan = planOf(own, all, read.settings, uid);
  return { gateway, uid, objects: deploymentObjects(plan, installation) };
}

function isOurGateway({ className }: Gateway, { gatewayClasses }: Mesh): boolean {
  return isOurs(className, className === undefined ? [] : (gatewayClasses.get(className) ?? []));
}
