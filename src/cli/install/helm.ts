// The Helm chart, made of the same objects: options that are texts are placeholders in them, and what depends on a value in any
// other way is put around whole objects or entries. In: nothing. Out: the files of the chart.
import { stringify } from 'yaml';
import { ACCEPTED_MESHES, injectOptions, webhookConfiguration } from '../../../webhook/index.ts';
import { beyondPlaces, isMachineRight, withBeyond } from './beyond.ts';
import { NAMESPACE_GRANTS } from './gateway-rights.ts';
import { gatewayRights, grantTemplate, isGatewayRight, withGateways } from './helm-gateways.ts';
import { issuerRights, issuerSettings, SAMPLE_ISSUER, withIssuer } from './helm-issuer.ts';
import { fieldsIf, marker } from './helm-marker.ts';
import { NAMES } from './names.ts';
import { networkPolicy } from './network-policies.ts';
import { installObjects, type Manifest, settingsText } from './objects.ts';
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
  for (const object of installObjects({ ...options, acceptLabels: [] })) {
    // The release's namespace is made by Helm (--create-namespace), which cannot label it.
    if (object.kind === 'Namespace') continue;
    if (isGatewayRight(object)) {
      files.set('templates/gateway-rights.yaml', gatewayRights(options, yaml));
      continue;
    }
    const grant = NAMESPACE_GRANTS.find(({ role }) => role === object.metadata.name);
    if (grant !== undefined) {
      files.set(`templates/role-${grant.role}.yaml`, grantTemplate(grant, options, yaml));
      continue;
    }
    if (isMachineRight(object)) {
      const file = 'templates/machine-rights.yaml';
      const before = files.get(file)?.replace('{{- end }}\n', '') ?? '{{- if .Values.machines }}\n';
      files.set(file, `${before}---\n${yaml(object)}{{- end }}\n`);
      continue;
    }
    files.set(`templates/${fileOf(object)}.yaml`, templateOf(object, options, yaml));
  }
  return files;
}

/** There is one object of each kind, but for the definitions of policies and the roles of people. */
function fileOf({ kind, metadata }: Manifest): string {
  if (kind === 'CustomResourceDefinition') return `definition-${metadata.name.split('.')[0]}`;
  const file = kind.replace(/(?<!^)[A-Z]/g, letter => `-${letter}`).toLowerCase();
  return kind.endsWith('Role') && metadata.name !== NAMES.injector ? `${file}-${metadata.name}` : file;
}

function templateOf(object: Manifest, options: InstallOptions, yaml: (object: unknown) => string): string {
  if (object.kind === 'ConfigMap') {
    const data = { 'injection.yaml': unmark(settingsText(options)) };
    return `${unmark(yaml({ ...object, data }))}${issuerSettings()}`;
  }
  if (object.kind === 'MutatingWebhookConfiguration') return configurationTemplate(object, options, yaml);
  if (object.kind === 'Deployment') {
    const spec = { ...(object.spec as object), replicas: marker('int .Values.replicas') };
    return unmark(yaml(withBeyond(withGateways(withIssuer({ ...object, spec })))));
  }
  if (object.kind === 'Role' && object.metadata.name === NAMES.injector)
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

/** Each entry in a condition of its own, by the name of the mesh that it begins with. */
function configurationTemplate(
  object: Manifest,
  options: InstallOptions,
  yaml: (object: unknown) => string,
): string {
  const entriesFor = (accept: InstallOptions['acceptLabels']) => {
    const choice = {
      systemNamespace: options.namespace,
      ignoredNamespaces: injectOptions().ignoredNamespaces,
      failurePolicy: options.failurePolicy,
      accept,
    };
    return webhookConfiguration(choice, {}).webhooks as { readonly name: string }[];
  };
  const { webhooks: own, ...rest } = object as Manifest & {
    readonly webhooks: readonly { readonly name: string }[];
  };
  const entry = (each: object) => yaml([each]).replace(/^/gm, '  ').trimEnd();
  const has = (mesh: string) => `has "${mesh}" .Values.acceptLabels`;
  const lines = [yaml(rest).trimEnd(), 'webhooks:', ...own.map(entry)];
  const all = entriesFor(ACCEPTED_MESHES);
  const linkerdAlone = entriesFor(['linkerd']);
  const istio = all.filter(({ name }) => name.startsWith('istio-'));
  const wide = (list: readonly { readonly name: string }[]) =>
    list.filter(({ name }) => name.startsWith('annotated'));
  lines.push(`{{- if ${has('istio')} }}`, ...istio.map(entry), '{{- end }}');
  const annotated = `or (${has('linkerd')}) (${has('consul')})`;
  lines.push(`{{- if and (${annotated}) (${has('istio')}) }}`, ...wide(all).map(entry));
  lines.push(`{{- else if ${annotated} }}`, ...wide(linkerdAlone).map(entry), '{{- end }}');
  return `${unmark(lines.join('\n'))}\n`;
}

/** Takes the quotes off what is no text; entries that are conditions become lines of their own. */
function unmark(text: string): string {
  return text
    .replace(/^ *(?:- )?["']?@@((?:if|end)\b.*?)@@["']?(?:: "")?$/gm, '{{- $1 }}')
    .replace(/"?@@(.*?)@@"?/g, '{{ $1 }}');
}
