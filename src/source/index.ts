// source: where objects come from. Each source fills the registry and keeps it current; it translates nothing. In: a folder
// of YAML (files/), later the Kubernetes API, DNS, Consul. Out: objects in the registry, and problems with what was read.

export { FilesSource, type FilesSourceOptions } from './files/files-source.ts';
export { kubeValue } from './files/kube-yaml.ts';
export { type ParsedFile, type ParsedObject, parseFile } from './files/parse-file.ts';
export type { Source } from './source.interface.ts';
