import {
  credentialKey,
  GATEWAY_CLASS,
  GATEWAY_SETTINGS_KEY,
  type Gateway,
  joinedListeners,
  type Mesh,
  type ParametersRef,
} from '../model/index.ts';
import type { DeploymentPlan, PlannedPort } from './deployment-plan.ts';
import { whyNoPort } from './ports.ts';
import { type GatewaySettings, readGatewaySettings } from './settings.ts';

/** Settings of a gateway: its own go over those of its class. `why`, in words, where what they name cannot be used. */
export function settingsOf(
  { className = GATEWAY_CLASS, infrastructure }: Gateway,
  mesh: Pick<Mesh, 'credentials' | 'gatewayClasses'>,
): { readonly settings: GatewaySettings } | { readonly why: string } {
  const found: GatewaySettings[] = [];
  for (const ref of [mesh.gatewayClasses.get(className)?.[0]?.parameters, infrastructure?.parameters]) {
    if (ref === undefined) continue;
    const read = readParameters(ref, mesh);
    if ('why' in read) return read;
    found.push(read.settings);
  }
  return { settings: Object.assign({}, ...found) as GatewaySettings };
}

function readParameters(
  { group, kind, namespace, name }: ParametersRef,
  { credentials }: Pick<Mesh, 'credentials'>,
): { readonly settings: GatewaySettings } | { readonly why: string } {
  const named = `${kind}${group === '' ? '' : `.${group}`} ${namespace}/${name}`;
  if (kind !== 'ConfigMap' || (group !== '' && group !== 'core'))
    return { why: `parametersRef: ${named} is no ConfigMap; settings are read from ConfigMaps` };
  const text = credentials.get(credentialKey({ kind: 'ConfigMap', namespace, name }))?.[0]?.data[
    GATEWAY_SETTINGS_KEY
  ];
  if (text === undefined)
    return { why: `parametersRef: there is no ${named} with a ${GATEWAY_SETTINGS_KEY}; see docs/gateway.md` };
  const read = readGatewaySettings(text);
  return 'settings' in read ? read : { why: `parametersRef: ${named}: ${read.problems.join('; ')}` };
}

/** What to deploy for a Gateway. `all`: whatever speaks of it, the oldest first; `uid`: its own. */
export function planOf(
  own: Gateway,
  all: readonly Gateway[],
  settings: GatewaySettings,
  uid: string,
): DeploymentPlan {
  const { namespace, name, className = GATEWAY_CLASS, infrastructure, addresses = [], from } = own;
  const { apiVersion, kind } = from;
  return {
    ...{ namespace, name, className, settings, ports: portsOf(all) },
    addresses: addresses.flatMap(each => (each.type === 'IPAddress' && each.value ? [each.value] : [])),
    labels: infrastructure?.labels ?? {},
    annotations: infrastructure?.annotations ?? {},
    owner: { apiVersion, kind, name, uid },
  };
}

/**
 * Each port once, in order, so that the same listeners always make the same Service. One that no proxy can open is left out: of a
 * Service with a target beyond all ports the API server would take nothing.
 */
function portsOf(all: readonly Gateway[]): readonly PlannedPort[] {
  const ports = new Map<string, PlannedPort>();
  for (const { listener, conflict } of joinedListeners(all)) {
    if (conflict !== undefined || whyNoPort(listener) !== undefined) continue;
    const protocol = listener.protocol === 'udp' ? 'UDP' : 'TCP';
    ports.set(`${protocol} ${listener.port}`, { port: listener.port, protocol });
  }
  return [...ports.values()].sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}
