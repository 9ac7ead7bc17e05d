// controllers: what Kubernetes' controller manager does, as pure functions from objects to plans, and the loop that
// carries the plans out. In: the store's objects. Out: pods to run, EndpointSlices, virtual addresses.
export { AddressPool } from './addresses.ts';
export { makeJob } from './cron-job.ts';
export { TEMPLATE_HASH } from './deployment.ts';
export { portByName } from './endpoints.ts';
export { type Admitted, ControllerLoop } from './loop.ts';
export { NODE_NAME } from './make-pod.ts';
export { contentHash } from './names.ts';
export { REVISION } from './stateful-set.ts';
