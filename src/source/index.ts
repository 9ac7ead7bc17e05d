// source: where objects come from. Each source fills its entries in the registry and keeps them current; it translates nothing.
// In: a folder of YAML (files/), or the Kubernetes API (kubernetes/, which is imported by itself because it loads the client).
// Out: objects in the registry, and problems with what was read.

export { FilesSource, type FilesSourceOptions } from './files/files-source.ts';
export { kubeValue } from './files/kube-yaml.ts';
export { quotedTemplateWords, templateWords, toolFile, withoutChartParts } from './files/not-manifests.ts';
export { type ParsedFile, type ParsedObject, parseFile } from './files/parse-file.ts';
export { type FolderSecret, SecretsFolder } from './files/secrets-folder.ts';
export type { Source } from './source.interface.ts';
