// analyze: what is wrong with a mesh before its users notice. In: objects, and the mesh that they make (meshOfObjects, which puts
// in the pods that a folder of YAML asks for). Out: findings, each with a code, the object, the reason and the remedy. Pure. One
// file for each family of findings; codes.ts has every code, docs/analyze.md explains them.

export { analyze } from './analyze.ts';
export { authorizationProblems } from './authorization.ts';
export { CODES, type Code, type CodeInfo, codeInfo } from './codes.ts';
export type { Finding, FindingSeverity } from './finding.ts';
export { meshOfObjects, type ObjectMesh, type ObjectMeshOptions } from './mesh-of-objects.ts';
export { outsideReason } from './outside-reason.ts';
export { TEMPLATE_KINDS } from './pod-templates.ts';
export { type ControlPlaneChoice, controlPlaneOf, namespaceLabels, podLabels } from './revisions.ts';
export { ENOUGH_SECONDS, type ProxyUses } from './sizes.ts';
