// The manifests as a folder for GitOps: the objects of the default installation in a few files, and a kustomization over them.
import { stringify } from 'yaml';
import { installObjects, type Manifest, manifestText } from './objects.ts';
import { type InstallOptions, installOptions } from './options.ts';

/** Which kinds are in which file, in the order to apply them. */
const parts: readonly (readonly [file: string, kinds: readonly string[], why: string])[] = [
  ['namespace.yaml', ['Namespace'], 'Where the control plane runs, under restricted Pod Security.'],
  [
    'policies.yaml',
    ['CustomResourceDefinition'],
    "Weft's own policies: docs/rate-limits.md, docs/traffic-settings.md.",
  ],
  [
    'rbac.yaml',
    ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
    'What the control plane may do; docs/install.md gives the reason for each rule.',
  ],
  ['settings.yaml', ['ConfigMap'], 'What is injected into pods. Changes are followed without a restart.'],
  [
    'control-plane.yaml',
    ['Service', 'Deployment', 'NetworkPolicy', 'PodDisruptionBudget'],
    'The control plane itself, and who may reach it.',
  ],
  [
    'webhook.yaml',
    ['MutatingWebhookConfiguration'],
    'Which pods the API server asks about. The control plane writes the caBundle; leave it out of comparisons.',
  ],
];

/** Files by name. The same as `weft install` prints with the same options. */
export function manifestFiles(options: InstallOptions = installOptions()): Map<string, string> {
  const objects = installObjects(options);
  const files = new Map<string, string>();
  const head = (why: string) =>
    `# ${why}\n# Made by \`weft install\`; change it with a kustomization of your own.\n`;
  for (const [file, kinds, why] of parts) {
    const of = objects.filter(({ kind }) => kinds.includes(kind));
    files.set(file, head(why) + manifestText(of));
  }
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: parts.map(([file]) => file),
  };
  files.set('kustomization.yaml', `# kubectl apply -k manifests\n${stringify(kustomization)}`);
  return files;
}

/** Objects that no file holds: a mistake in the table above. */
export function unplaced(objects: readonly Manifest[]): readonly Manifest[] {
  return objects.filter(({ kind }) => !parts.some(([, kinds]) => kinds.includes(kind)));
}
