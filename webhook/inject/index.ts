// inject: a pod in, a pod with Weft's proxy in it out, or the reason why not. Pure and shared by `weft inject`, the
// sandbox and the admission webhook. In: a Pod or pod template as plain data, what surrounds it, options. Out: a new one.
//
// What is added, and in which order:
//
//   native sidecar    initContainers: weft-init, weft-proxy (restartPolicy Always), then the author's own.
//                     They run with the proxy already up, so they have the mesh, and the kubelet ends the
//                     proxy after the app, so Jobs end.
//   classic           initContainers: the author's own, then weft-init. containers: weft-proxy, then the author's own.
//                     Rules written any earlier would send an init container's calls to a proxy that does not run yet
//                     (Istio's istio/cni 77); written last, they leave it the pod's plain network. The proxy's
//                     postStart hook holds back the app until it is ready: the kubelet starts containers in order and
//                     waits for the hook. In pods that end, WEFT_EXIT_WITH_APP names whose end the proxy follows.
//
// A pod whose author uses native sidecars gets one whatever the options say, since weft-init could not come last.
// terminationGracePeriodSeconds and the app's hooks are left alone: the proxy itself outlives the app (row 4).

export { type Decision, decide, type InjectContext, type SkipCode } from './decide.ts';
export { foreignKeys, isAccepted } from './foreign/read.ts';
export { ACCEPTED_MESHES, type AcceptedMesh, FOREIGN, type ForeignMesh, meshName } from './foreign/table.ts';
export { type InjectResult, inject } from './inject.ts';
export { CONTAINERS, HEALTH_PORT_NAME, MOUNTS, RUN_APP, VOLUMES } from './names.ts';
export { type InjectOptions, injectOptions, type ProxyResources } from './options.ts';
export { type PatchOperation, patchOf } from './patch.ts';
export type { Container, Handler, Metadata, PodSpec, PodTemplate, Probe, Volume } from './pod.ts';
export { forbidsPacketRules, POD_SECURITY_ENFORCE } from './pod-security.ts';
export { chosenRevision, type RevisionChoice } from './revision.ts';
export { ACCESS_LOGS, LOG_LEVELS } from './settings.ts';
export { type InjectionStatus, readStatus } from './status.ts';
export { pathText, type TemplatePath, templatePaths, valueAt } from './templates.ts';
export { type UninjectResult, uninject } from './uninject.ts';
export {
  injectObject,
  type NamespaceMarks,
  namespacesOf,
  type ObjectOutcome,
  type ObjectSurroundings,
  uninjectObject,
} from './workload.ts';
