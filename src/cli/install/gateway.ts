// A gateway in its namespace: its proxies, the Service in front of them, and the right of the control plane to read the
// certificates there.
import { deploymentObjects, whyNoPort } from '../../deployment/index.ts';
import { WeftError } from '../../errors/index.ts';
import { GATEWAY_CLASS } from '../../model/index.ts';
import { readRights } from './gateway-rights.ts';
import type { Manifest } from './objects.ts';
import { hasMinor, type InstallOptions } from './options.ts';

/** Which gateway, and the ports that its Service has. */
export interface GatewayPlan {
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly { readonly port: number; readonly protocol: 'TCP' | 'UDP' }[];
  /** Whose Secrets its Ingresses may name beside those of its own namespace. */
  readonly secrets: 'all' | readonly string[];
  /** Whether certificates are fetched there (CertificateIssuer), and so Secrets written. */
  readonly certificates?: boolean;
}

/** `shop/edge`, with ports `80,443` and secrets of `blog,vault` or `all`. Throws a WeftError that says what is taken. */
export function gatewayPlan(gateway: string, ports: string, secrets = ''): GatewayPlan {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(gateway) ?? [];
  if (namespace === undefined || name === undefined)
    throw new WeftError(
      'bad-configuration',
      `--gateway is '${gateway}'; it takes NAMESPACE/NAME of a Gateway`,
      {
        source: 'config',
      },
    );
  const read = ports.split(',').map(each => {
    const [, number = '', udp] = /^\s*(\d{1,5})(\/udp)?\s*$/.exec(each) ?? [];
    return { port: Number(number), protocol: udp === undefined ? ('TCP' as const) : ('UDP' as const) };
  });
  const bad = (why: string): WeftError =>
    new WeftError('bad-configuration', `--gateway-ports is '${ports}'; ${why}`, { source: 'config' });
  if (!read.every(({ port }) => port > 0 && port <= 65_535))
    throw bad('it takes ports such as 80,443 or 53/udp');
  for (const { port, protocol } of read) {
    const why = whyNoPort({ port, protocol: protocol === 'UDP' ? 'udp' : 'tcp' });
    if (why !== undefined) throw bad(why);
  }
  const namespaces = secrets === '' ? [] : secrets.split(',').map(each => each.trim());
  if (!namespaces.every(each => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(each)))
    throw new WeftError(
      'bad-configuration',
      `--ingress-secrets is '${secrets}'; it takes namespaces such as shop,blog, or all`,
      { source: 'config' },
    );
  const others = namespaces.filter(each => each !== namespace);
  return { namespace, name, ports: read, secrets: others.includes('all') ? 'all' : others };
}

/** Everything but the Gateway itself. */
export function gatewayObjects(options: InstallOptions, plan: GatewayPlan): readonly Manifest[] {
  const { namespace, name, ports, secrets } = plan;
  const objects = deploymentObjects(
    {
      ...{ namespace, name, className: GATEWAY_CLASS, addresses: [], settings: {} },
      ports,
      ...{ labels: {}, annotations: {} },
    },
    {
      systemNamespace: options.namespace,
      revision: options.revision,
      proxyImage: options.proxyImage,
      imagePullPolicy: options.imagePullPolicy,
      trustDomain: options.trustDomain,
      clusterDomain: options.clusterDomain,
      logLevel: options.proxyLogLevel,
      accessLog: options.accessLog,
      policyVersion: hasMinor(options.kubernetesVersion, 21) ? 'policy/v1' : 'policy/v1beta1',
    },
  );
  const [account, ...others] = objects;
  return [account!, ...readRights(options, namespace, secrets, plan.certificates === true), ...others];
}
