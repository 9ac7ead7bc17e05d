// probing: the probes and hooks of pods, made as the kubelet makes them (pkg/probe, pkg/kubelet/lifecycle of Kubernetes 1.34). A
// proxy makes them for its app, because the kubelet asks the proxy; the sandbox's kubelet makes them for pods. In: what a pod
// says. Out: undefined, or in words why it failed.
export { probeExec } from './exec.ts';
export { probeGrpc } from './grpc.ts';
export { type HttpAsker, hookHttp, probeHttp } from './http.ts';
export { type HttpGetAction, requestTarget } from './http-request.ts';
export { Prober, type ProberTimes, type Verdict } from './prober.ts';
export { probeTcp } from './tcp.ts';
export type { ProbedPod } from './with-socket.ts';
