// kubelet: runs the pods of the store as processes of this machine, and reports what becomes of them. In: Pods. Out:
// processes in the pods' namespaces, and pod statuses.
export { Kubelet } from './kubelet.ts';
export type { KubeletParts } from './parts.ts';
export type { IssueToken } from './volume-files.ts';
