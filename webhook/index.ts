// webhook: the way into the mesh. inject/ is the pure function from a pod to a pod with Weft's proxy in it, which `weft inject`,
// the sandbox and the admission server share. admission/ is that server, and what surrounds it: its caBundle, its settings,
// events, and the search for pods that should have been injected and were not. It knows no Kubernetes client: processes bring
// one. In: pods. Out: pods, and reasons.
export * from './admission/index.ts';
export * from './inject/index.ts';
