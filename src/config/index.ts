// config: names, ports and paths that the parts of Weft agree on, and the static boot configuration of a process,
// read once from flags and environment. In: process.argv, process.env. Out: frozen objects.
export type { AppMetrics, AppProbe, AppProbes, ExitWithApp } from './app.ts';
export { MACHINE_DNS } from './dns-flags.ts';
export {
  ANNOTATIONS,
  ENVIRONMENT,
  HAPROXY_CONFIG,
  INGRESS_CONFIG,
  LABELS,
  MESH_CONFIG,
  PATHS,
  PORTS,
  PROXY_UID,
  SYSTEM_NAMESPACE,
} from './names.ts';
export {
  DEFAULT_REVISION,
  isRevisionName,
  REVISION_NAME,
  type RevisionNames,
  revisionNames,
  revisionOfInjector,
  revisionSuffix,
  tagName,
} from './revision.ts';
export { VERSION } from './version.ts';
