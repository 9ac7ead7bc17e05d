// The options that an installation was made with, read off its objects, so that an upgrade keeps them.

import { parse } from 'yaml';
import { NATIVE_SIDECARS, readWebhookSettings } from '../../../webhook/index.ts';
import { DEFAULT_REVISION, type RevisionNames, revisionNames, VERSION } from '../../config/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';
import { beyondOfInstalled } from './beyond.ts';
import { NAMESPACE_GRANTS } from './gateway-rights.ts';
import { type InstallOptions, installOptions } from './options.ts';

/** Objects of an installation, as a cluster has them or as they were printed. */
export type InstalledObjects = readonly {
  readonly kind: string;
  readonly metadata: object;
  readonly [field: string]: unknown;
}[];

/** The version that is installed of a revision, undefined when it does not say. */
export function installedVersion(
  objects: InstalledObjects,
  revision: string = DEFAULT_REVISION,
): string | undefined {
  const labels = recordOf(find(objects, 'Deployment', revisionNames(revision).injector)?.metadata).labels;
  return text(recordOf(labels)['app.kubernetes.io/version']);
}

/**
 * What differs from the defaults of the installed version of a revision. Images that were of the installed version become those
 * of this one, in the same registry; other images stay.
 */
export function optionsOfInstalled(
  objects: InstalledObjects,
  revision: string = DEFAULT_REVISION,
): Partial<InstallOptions> {
  const names = revisionNames(revision);
  const given: { -readonly [K in keyof InstallOptions]?: InstallOptions[K] | undefined } = {
    ...fromDeployment(objects, names),
    ...fromSettings(objects, names),
    ...fromConfiguration(objects, names),
    ...(revision !== DEFAULT_REVISION && { revision }),
  };
  const version = installedVersion(objects, revision);
  for (const name of ['image', 'proxyImage'] as const) {
    const image = given[name];
    if (image !== undefined && version !== undefined && image.endsWith(`:${version}`)) {
      given[name] = `${image.slice(0, -version.length)}${VERSION}`;
    }
  }
  const budget = find(objects, 'PodDisruptionBudget', names.injector);
  if (budget?.apiVersion === 'policy/v1beta1') given.kubernetesVersion = '1.20';
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Partial<InstallOptions>;
}

type Given = { -readonly [K in keyof InstallOptions]?: InstallOptions[K] | undefined };

function fromDeployment(objects: InstalledObjects, { injector }: RevisionNames): Given {
  const deployment = find(objects, 'Deployment', injector);
  const spec = recordOf(deployment?.spec);
  const containers = recordOf(recordOf(spec.template).spec).containers;
  const container = recordOf(Array.isArray(containers) ? containers[0] : undefined);
  const args = Array.isArray(container.args) ? container.args.map(String) : [];
  const flag = (name: string) => args.find(arg => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const { volumes } = recordOf(recordOf(spec.template).spec);
  const resources = recordOf(container.resources);
  const [requests, limits] = [recordOf(resources.requests), recordOf(resources.limits)];
  return {
    namespace: text(recordOf(deployment?.metadata).namespace),
    image: text(container.image),
    replicas: typeof spec.replicas === 'number' ? spec.replicas : undefined,
    trustDomain: flag('trust-domain'),
    clusterDomain: flag('cluster-domain'),
    certificateLifetime: flag('certificate-lifetime'),
    logLevel: flag('log-level'),
    deployGateways: flag('deploy-gateways'),
    ...Object.fromEntries(
      NAMESPACE_GRANTS.map(({ option, role }) => [option, namespacesOf(objects, `${injector}-${role}`)]),
    ),
    ...beyondOfInstalled(args, recordsOf(volumes)),
    resources:
      Object.keys(requests).length === 0
        ? undefined
        : {
            cpuRequest: text(requests.cpu) ?? installOptions().resources.cpuRequest,
            memoryRequest: text(requests.memory) ?? installOptions().resources.memoryRequest,
            ...(text(limits.cpu) === undefined ? {} : { cpuLimit: text(limits.cpu)! }),
            ...(text(limits.memory) === undefined ? {} : { memoryLimit: text(limits.memory)! }),
          },
  };
}

/** Those with such a Role; undefined where none has. */
function namespacesOf(objects: InstalledObjects, role: string): string | undefined {
  const namespaces = objects.flatMap(({ kind, metadata }) => {
    const { name, namespace } = recordOf(metadata);
    return kind === 'Role' && name === role ? [String(namespace)] : [];
  });
  return text([...new Set(namespaces)].sort().join(','));
}

function fromSettings(objects: InstalledObjects, { settings: name }: RevisionNames): Given {
  const data = recordOf(find(objects, 'ConfigMap', name)?.data);
  const issuer = text(data['issuer.yaml']);
  const file = text(data['injection.yaml']);
  if (file === undefined) return { issuer };
  const facts = { trustDomain: 'x', clusterDomain: 'x', systemNamespace: 'x', nativeSidecars: false };
  const { settings } = readWebhookSettings(file, facts);
  if (settings === undefined) return { issuer };
  const { inject, refusedPods } = settings;
  const native = String(recordOf(parse(file)).nativeSidecars ?? 'auto');
  return {
    issuer,
    proxyImage: inject.proxyImage,
    imagePullPolicy: inject.imagePullPolicy,
    nativeSidecars:
      native === 'true'
        ? 'on'
        : native === 'false'
          ? 'off'
          : (NATIVE_SIDECARS.find(each => each === native) ?? 'auto'),
    redirection: inject.redirection,
    acceptLabels: inject.acceptedMeshes ?? [],
    refusedPods,
    proxyLogLevel: inject.logLevel,
    accessLog: inject.accessLog,
    proxyResources: inject.resources,
  };
}

function fromConfiguration(objects: InstalledObjects, { injector }: RevisionNames): Given {
  const webhooks = find(objects, 'MutatingWebhookConfiguration', injector)?.webhooks;
  const first = recordOf(Array.isArray(webhooks) ? webhooks[0] : undefined);
  return {
    failurePolicy:
      first.failurePolicy === 'Fail' ? 'Fail' : first.failurePolicy === 'Ignore' ? 'Ignore' : undefined,
  };
}

function find(objects: InstalledObjects, kind: string, name: string): InstalledObjects[number] | undefined {
  return objects.find(object => object.kind === kind && recordOf(object.metadata).name === name);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
