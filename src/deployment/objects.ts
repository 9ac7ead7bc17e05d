import { GATEWAY_NAME_LABEL, type Labels, PART_OF } from '../model/index.ts';
import type { DeployedObject, DeploymentPlan, Installation } from './deployment-plan.ts';
import { deploymentName, gatewayLabel } from './names.ts';
import { podTemplate } from './pod.ts';
import { PORT_OFFSET } from './ports.ts';

/** The objects of one gateway. The same plan always gives the same. */
export function deploymentObjects(plan: DeploymentPlan, installation: Installation): DeployedObject[] {
  const { settings, ports } = plan;
  const full = deploymentName(plan.name, plan.className);
  const selector = { [GATEWAY_NAME_LABEL]: gatewayLabel(plan.name) };
  const metadata = {
    ...{ name: full, namespace: plan.namespace },
    labels: { ...plan.labels, ...PART_OF, 'app.kubernetes.io/name': full, ...selector },
    ...(Object.keys(plan.annotations).length > 0 && { annotations: plan.annotations }),
    ...(plan.owner && { ownerReferences: [{ ...plan.owner, controller: true }] }),
  };
  const { autoscaling, replicas = 2, maxUnavailable = 1 } = settings;
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    ...(ports.length > 0
      ? [{ apiVersion: 'v1', kind: 'Service', metadata, spec: serviceSpec(plan, selector) }]
      : []),
    {
      apiVersion: installation.policyVersion,
      kind: 'PodDisruptionBudget',
      metadata,
      spec: { maxUnavailable, selector: { matchLabels: selector } },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        // An autoscaler decides instead where there is one.
        ...(autoscaling === undefined && { replicas }),
        selector: { matchLabels: selector },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: podTemplate(plan, installation, { full, selector, labels: metadata.labels }),
      },
    },
    ...(autoscaling === undefined
      ? []
      : [
          {
            apiVersion: 'autoscaling/v2',
            kind: 'HorizontalPodAutoscaler',
            metadata,
            spec: {
              scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: full },
              minReplicas: autoscaling.min,
              maxReplicas: autoscaling.max,
              metrics: [
                {
                  type: 'Resource',
                  resource: {
                    name: 'cpu',
                    target: { type: 'Utilization', averageUtilization: autoscaling.cpu },
                  },
                },
              ],
            },
          },
        ]),
  ];
}

function serviceSpec({ settings, ports, addresses }: DeploymentPlan, selector: Labels): object {
  const { serviceType = 'LoadBalancer', externalTrafficPolicy = 'Local', loadBalancerClass } = settings;
  const isBalanced = serviceType === 'LoadBalancer';
  return {
    type: serviceType,
    // The client's address stays, and no node forwards to another one.
    ...(serviceType !== 'ClusterIP' && { externalTrafficPolicy }),
    ...(isBalanced && loadBalancerClass !== undefined && { loadBalancerClass }),
    // A load balancer has one address; without one, nodes take traffic to any that is routed to them.
    ...(isBalanced && addresses.length > 0 && { loadBalancerIP: addresses[0] }),
    ...(!isBalanced && addresses.length > 0 && { externalIPs: addresses }),
    selector,
    ports: ports.map(({ port, protocol }) => ({
      ...{ name: `${protocol === 'UDP' ? 'udp' : 'port'}-${port}`, port },
      ...{ targetPort: port + PORT_OFFSET, protocol },
    })),
  };
}
