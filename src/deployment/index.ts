// deployment: what the proxies of a gateway run as on a cluster. In: a gateway, the settings that a ConfigMap has for it, how
// Weft is installed. Out: the objects of Kubernetes to have: Deployment, Service, ServiceAccount, PodDisruptionBudget,
// autoscaler. Pure: weft install prints them, the control plane keeps them.

export type {
  DeployedObject,
  DeploymentPlan,
  Installation,
  PlannedPort,
} from './deployment-plan.ts';
export { deploymentName, gatewayLabel } from './names.ts';
export { deploymentObjects } from './objects.ts';
export { planOf, settingsOf } from './plan.ts';
export { DEPLOYED_PORTS, PORT_OFFSET, whyNoPort } from './ports.ts';
export { type GatewaySettings, readGatewaySettings } from './settings.ts';
