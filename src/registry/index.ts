// registry: the objects that sources found, by kind and key, and word of their changes in batches. In: objects, put and
// deleted by sources (plain data is checked by readObject first). Out: batches of changes to whoever subscribes, which is
// translate in production. No Kubernetes library types: an object is plain data with apiVersion, kind and metadata.

export { type KubeObject, keyOf, kindOf, type ObjectMeta, type OwnerReference, refOf } from './object.ts';
export { type ReadResult, readObject } from './read-object.ts';
export {
  type Batch,
  type Change,
  type Entries,
  type Owner,
  Registry,
  type RegistryOptions,
  type Stored,
} from './registry.ts';
export { isClusterScoped } from './scope.ts';
