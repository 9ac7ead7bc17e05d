// The Helm chart, made of the same objects: options that are texts are placeholders in them, and what depends on a value in any
// other way is put around whole objects or entries. In: nothing. Out: the files of the chart.
import { stringify } from 'yaml';
import {
  type AcceptedMesh,
  ENTRY_SUFFIX,
  injectOptions,
  webhookConfiguration,
} from '../../../webhook/index.ts';
import { DEFAULT_REVISION } from '../../config/index.ts';
import { beyondPlaces, isMachineRight, withBeyond } from './beyond.ts';
import { grantRole, NAMESPACE_GRANTS } from './gateway-rights.ts';
import { gatewayRights, grantTemplate, isGatewayRight, withGateways } from './helm-gateways.ts';
import { issuerRights, issuerSettings, SAMPLE_ISSUER, withIssuer } from './helm-issuer.ts';
import { fieldsIf, marker } from './helm-marker.ts';
import {
  isDefault,
  isInjector,
  ofDefault,
  REVISION,
  refuseBadRevision,
  revisionArgument,
  withRevision,
} from './helm-revision.ts';
import { networkPolicy } from './network-policies.ts';
import { type Manifest, revisionObjects, settingsText, sharedObjects } from './objects.ts';
import { type InstallOptions, installOptions } from './options.ts';

const value = (path: string) => `{{ .Values.${path} }}`;

/** Options whose texts are places in values.yaml. */
function templateOptions(): InstallOptions {
  const resources = (path: string) => ({
    cpuRequest: value(`${path}.cpuRequest`),
    memoryRequest: value(`${path}.memoryRequest`),
    memoryLimit: value(`${path}.memoryLimit`),
  });
  const text = (path: string) => value(path) as never;
  return {
    ...installOptions(),
    namespace: '{{ .Release.Namespace }}',
    revision: REVISION,
    image: value('image'),
    proxyImage: value('proxyImage'),
    imagePullPolicy: text('imagePullPolicy'),
    trustDomain: value('trustDomain'),
    clusterDomain: value('clusterDomain'),
    certificateLifetime: value('certificateLifetime'),
    failurePolicy: text('failurePolicy'),
    refusedPods: text('refusedPods'),
    nativeSidecars: text('nativeSidecars'),
    redirection: text('redirection'),
    logLevel: value('logLevel'),
    proxyLogLevel: value('proxyLogLevel'),
    accessLog: value('accessLog'),
    resources: resources('resources'),
    proxyResources: resources('proxyResources'),
    // A text where a list belongs; the quotes around it are taken off below.
    acceptLabels: marker('toJson .Values.acceptLabels') as never,
    issuer: SAMPLE_ISSUER,
    deployGateways: value('deployGateways'),
    secretNamespaces: value('secretNamespaces'),
    certificateNamespaces: value('certificateNamespaces'),
    ...beyondPlaces(value),
  };
}

/** values.yaml: the defaults, by the names of InstallOptions. */
function values(): Record<string, unknown> {
  const { namespace: _, version: __, kubernetesVersion: ___, ...rest } = installOptions();
  return rest;
}

/** The files of the chart by their paths in manifests/helm/weft. */
export function helmFiles(): Map<string, string> {
  const { version } = installOptions();
  const files = new Map<string, string>();
  const yaml = (object: unknown) =>
    stringify(object, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
  const chart = {
    apiVersion: 'v2',
    name: 'weft',
    description: 'Weft, a service mesh for Kubernetes: the control plane',
    type: 'application',
    version,
    appVersion: version,
    kubeVersion: '>=1.20.0-0',
  };
  files.set('Chart.yaml', yaml(chart));
  files.set('values.yaml', `# What each means: weft install --help, docs/install.md.\n${yaml(values())}`);
  const options = templateOptions();
  for (const object of sharedObjects(options)) {
    // The release's namespace is made by Helm (--create-namespace), which cannot label it.
    if (object.kind === 'Namespace') continue;
    files.set(`templates/${fileOf(object)}.yaml`, ofDefault(unmark(yaml(object))));
  }
  for (const object of revisionObjects({ ...options, acceptLabels: [] })) {
    if (isGatewayRight(object)) {
      files.set('templates/gateway-rights.yaml', withRevision(gatewayRights(options, yaml)));
      continue;
    }
    const grant = NAMESPACE_GRANTS.find(each => grantRole(each, REVISION) === object.metadata.name);
    if (grant !== undefined) {
      const file = `templates/role-${grantRole(grant, DEFAULT_REVISION)}.yaml`;
      files.set(file, withRevision(grantTemplate(grant, options, yaml)));
      continue;
    }
    if (isMachineRight(object, REVISION)) {
      const file = 'templates/machine-rights.yaml';
      const before = files.get(file)?.replace('{{- end }}\n', '') ?? '{{- if .Values.machines }}\n';
      files.set(file, `${before}---\n${withRevision(yaml(object))}{{- end }}\n`);
      continue;
    }
    files.set(`templates/${fileOf(object)}.yaml`, withRevision(templateOf(object, options, yaml)));
  }
  return files;
}

/** There is one object of each kind, but for the definitions of policies and the roles of people. */
function fileOf({ kind, metadata }: Manifest): string {
  if (kind === 'CustomResourceDefinition') return `definition-${metadata.name.split('.')[0]}`;
  const file = kind.replace(/(?<!^)[A-Z]/g, letter => `-${letter}`).toLowerCase();
  return kind.endsWith('Role') && !isInjector(metadata.name) ? `${file}-${metadata.name}` : file;
}

function templateOf(object: Manifest, options: InstallOptions, yaml: (object: unknown) => string): string {
  if (object.kind === 'ConfigMap') {
    const data = { 'injection.yaml': unmark(settingsText(options)) };
    return `${unmark(yaml({ ...object, data }))}${issuerSettings()}`;
  }
  if (object.kind === 'MutatingWebhookConfiguration') return configurationTemplate(object, options, yaml);
  if (object.kind === 'Deployment') {
    const spec = { ...(object.spec as object), replicas: marker('int .Values.replicas') };
    const parts = withBeyond(withGateways(withIssuer(revisionArgument({ ...object, spec }))));
    return refuseBadRevision(unmark(yaml(parts)));
  }
  if (object.kind === 'Role' && isInjector(object.metadata.name))
    return unmark(yaml({ ...object, rules: issuerRights(options) }));
  if (object.kind === 'NetworkPolicy') return unmark(yaml(networkPolicyTemplate(object, options)));
  if (object.kind !== 'PodDisruptionBudget') return unmark(yaml(object));
  const older =
    '{{ if .Capabilities.APIVersions.Has "policy/v1" }}policy/v1{{ else }}policy/v1beta1{{ end }}';
  const text = unmark(yaml(object)).replace('apiVersion: policy/v1\n', `apiVersion: ${older}\n`);
  return `{{- if gt (int .Values.replicas) 1 }}\n${text}{{- end }}\n`;
}

/** With machines the discovery port is open to whoever is no pod. */
function networkPolicyTemplate(object: Manifest, options: InstallOptions): Manifest {
  const { ingress } = networkPolicy({ ...options, machines: false }, {}).spec as {
    readonly ingress: readonly { readonly from?: unknown }[];
  };
  const [{ from, ...discovery } = {}, ...others] = ingress;
  const rules = [{ ...discovery, ...fieldsIf('not .Values.machines', { from }) }, ...others];
  return { ...object, spec: { ...(object.spec as object), ingress: rules } };
}

/** The entries for each choice of meshes that makes a difference; those of the default alone in a condition. */
function configurationTemplate(
  object: Manifest,
  options: InstallOptions,
  yaml: (object: unknown) => string,
): string {
  const entriesFor = (answersTo: string, accept: readonly AcceptedMesh[]): readonly Entry[] => {
    const choice = {
      systemNamespace: options.namespace,
      ignoredNamespaces: injectOptions().ignoredNamespaces,
      failurePolicy: options.failurePolicy,
      ...{ accept, answersTo, revision: REVISION },
    };
    return webhookConfiguration(choice, {}).webhooks as readonly Entry[];
  };
  const { webhooks: _, ...rest } = object;
  const text = (entries: readonly Entry[]): readonly string[] =>
    entries.map(each => yaml([each]).replace(/^/gm, '  ').trimEnd());
  const has = (mesh: string) => `has "${mesh}" .Values.acceptLabels`;
  const annotated = `or (${has('linkerd')}) (${has('consul')})`;
  /** `linkerd` stands for both whose words are annotations. */
  const lines = (accept: readonly AcceptedMesh[]): readonly string[] => {
    const own = entriesFor(REVISION, accept);
    const known = new Set(own.map(({ name }) => name));
    const unnamed = entriesFor(DEFAULT_REVISION, accept).filter(({ name }) => !known.has(name));
    const wide = entriesFor(DEFAULT_REVISION, [...accept, 'linkerd']).filter(
      ({ name }) => name === `annotated${ENTRY_SUFFIX}`,
    );
    return [
      ...[`{{- if ${isDefault} }}`, ...text(unnamed), '{{- end }}'],
      ...text(own),
      ...[`{{- if ${isDefault} }}`, `{{- if ${annotated} }}`, ...text(wide), '{{- end }}', '{{- end }}'],
    ];
  };
  const all = [
    ...[yaml(rest).trimEnd(), 'webhooks:'],
    ...[`{{- if ${has('istio')} }}`, ...lines(['istio']), '{{- else }}', ...lines([]), '{{- end }}'],
  ];
  return `${unmark(all.join('\n'))}\n`;
}

interface Entry {
  readonly name: string;
}

/** Takes the quotes off what is no text; entries that are conditions become lines of their own. */
function unmark(text: string): string {
  return text
    .replace(/^ *(?:- )?["']?@@((?:if|end)\b.*?)@@["']?(?:: "")?$/gm, '{{- $1 }}')
    .replace(/"?@@(.*?)@@"?/g, '{{ $1 }}');
}
