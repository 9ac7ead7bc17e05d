// kube: the Kubernetes objects the sandbox understands, the store that keeps them, and how a folder of YAML becomes
// objects in it. In: files. Out: typed objects with change events.

export { Applier, RESTARTED_AT, withRestart } from './apply.ts';
export { EventLog, type SandboxEvent } from './events.ts';
export * from './object.ts';
export * from './pod.ts';
export * from './services.ts';
export { type Change, type Kinds, ObjectStore } from './store.ts';
export * from './target.ts';
export * from './workloads.ts';
