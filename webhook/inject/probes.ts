// Sends the kubelet's probes to the proxy, which makes the app's own probe from inside the pod. Otherwise strict mTLS
// would fail every httpGet probe, and a tcpSocket probe would succeed with the app down, because the proxy accepts.
import { type AppProbe, type AppProbes, PORTS } from '../../src/config/index.ts';
import { type ObjectRef, type Problem, problem } from '../../src/model/index.ts';
import type { Container, Handler, PodSpec, Probe } from './pod.ts';

/** Containers with their probes rewritten, and what is needed to answer them and to undo it. */
export interface RewrittenProbes {
  readonly containers: readonly Container[];
  readonly initContainers: readonly Container[];
  /** For the proxy: ports resolved. */
  readonly probes: AppProbes;
  /** For uninject: as their author wrote them. */
  readonly originals: Readonly<Record<string, Handler>>;
  readonly warnings: readonly Problem[];
}

const probeFields = { readinessProbe: 'readyz', livenessProbe: 'livez', startupProbe: 'startupz' } as const;
const hookFields = { postStart: 'poststart', preStop: 'prestop' } as const;
const handlerFields = ['httpGet', 'tcpSocket', 'grpc'] as const;

/**
 * Rewrites httpGet, tcpSocket and grpc probes and httpGet lifecycle hooks. Left alone: exec (it runs inside the
 * container), a handler with a host of its own (the kubelet then does not go to the pod), and a port name that the
 * container does not declare (the kubelet fails it, and says so better than we could).
 */
export function rewriteProbes(spec: PodSpec, object?: ObjectRef): RewrittenProbes {
  const rewriter = new Rewriter(object);
  const sidecars = spec.initContainers ?? [];
  return {
    containers: spec.containers.map(container => rewriter.container(container)),
    initContainers: sidecars.map(container =>
      container.restartPolicy === 'Always' ? rewriter.container(container) : container,
    ),
    probes: rewriter.probes,
    originals: rewriter.originals,
    warnings: rewriter.warnings,
  };
}

/** Puts back what `rewriteProbes` replaced. A probe that someone has pointed elsewhere since is left alone. */
export function restoreProbes(container: Container, originals: Readonly<Record<string, Handler>>): Container {
  const restore = (handler: Handler): Handler => {
    const path = handler.httpGet?.path ?? '';
    if (handler.httpGet?.port !== PORTS.health || !Object.hasOwn(originals, path)) return handler;
    return replaceHandler(handler, originals[path]!);
  };
  return eachHandler(container, (handler, path) =>
    handler.httpGet?.path === path ? restore(handler) : handler,
  );
}

class Rewriter {
  readonly probes: Record<string, AppProbe> = {};
  readonly originals: Record<string, Handler> = {};
  readonly warnings: Problem[] = [];
  readonly #object: ObjectRef | undefined;

  constructor(object: ObjectRef | undefined) {
    this.#object = object;
  }

  container(container: Container): Container {
    return eachHandler(container, (handler, path, field) => {
      if (field in hookFields && handler.httpGet == null) return handler;
      const probe = this.#appProbe(handler, container, field);
      if (!probe) return handler;
      const original: Record<string, unknown> = {};
      for (const name of handlerFields) if (handler[name] != null) original[name] = handler[name];
      this.probes[path] = probe;
      this.originals[path] = original;
      return replaceHandler(handler, { httpGet: { path, port: PORTS.health, scheme: 'HTTP' } });
    });
  }

  #appProbe(handler: Handler, container: Container, field: string): AppProbe | undefined {
    const isHook = field in hookFields;
    const timeoutSeconds = (handler as Probe).timeoutSeconds || 1;
    const { httpGet, tcpSocket, grpc } = handler;
    const target = httpGet ?? tcpSocket ?? grpc;
    if (target == null || ('host' in target && target.host)) return undefined;
    const port = portNumber(target.port, container);
    if (port === undefined) {
      this.#warnUnknownPort(target.port, container, field);
      return undefined;
    }
    if (grpc) return { grpc: { port, ...(grpc.service ? { service: grpc.service } : {}) }, timeoutSeconds };
    if (!httpGet) return { tcpSocket: { port }, timeoutSeconds };
    const path = httpGet.path === undefined || httpGet.path === '' ? '/' : httpGet.path;
    const { httpHeaders = [] } = httpGet;
    const scheme = httpGet.scheme === 'HTTPS' ? 'HTTPS' : 'HTTP';
    return {
      httpGet: { path, port, scheme, ...(httpHeaders.length > 0 ? { httpHeaders } : {}) },
      ...(isHook ? {} : { timeoutSeconds }),
    };
  }

  #warnUnknownPort(port: unknown, container: Container, field: string): void {
    const message =
      `${field} of container ${container.name} asks port ${JSON.stringify(port)}, which that container does not ` +
      'declare; the kubelet will fail it, with or without Weft. Add the port to its ports or write its number';
    const where = { object: this.#object, path: `containers.${container.name}.${field}` };
    this.warnings.push(problem('probe-port-unknown', message, { ...where, severity: 'warning' }));
  }
}

function portNumber(port: number | string, container: Container): number | undefined {
  if (typeof port === 'number') return port;
  const declared = (container.ports ?? []).find(({ name }) => name === port);
  if (declared) return declared.containerPort;
  return /^\d{1,5}$/.test(port) ? Number(port) : undefined;
}

type Visit = (handler: Handler, path: string, field: string) => Handler;

/** The container with every probe and hook replaced by what `visit` makes of it; the same object if nothing changed. */
function eachHandler(container: Container, visit: Visit): Container {
  let result = container;
  for (const [field, suffix] of Object.entries(probeFields)) {
    const probe = container[field] as Probe | null | undefined;
    const next = probe == null ? probe : visit(probe, `/app-health/${container.name}/${suffix}`, field);
    if (next !== probe) result = { ...result, [field]: next };
  }
  let { lifecycle } = container;
  if (lifecycle == null) return result;
  for (const [field, suffix] of Object.entries(hookFields)) {
    const hook: Handler | null | undefined = lifecycle[field as keyof typeof hookFields];
    const next: Handler | null | undefined =
      hook == null ? hook : visit(hook, `/app-health/${container.name}/${suffix}`, field);
    if (next !== hook) lifecycle = { ...lifecycle, [field]: next };
  }
  return lifecycle === container.lifecycle ? result : { ...result, lifecycle };
}

/** `handler` with what it does replaced by `by`, in the place where it stood, and its timing kept. */
function replaceHandler(handler: Handler, by: Handler): Handler {
  const result: Record<string, unknown> = {};
  let placed = false;
  for (const [key, value] of Object.entries(handler)) {
    const isHandler = handlerFields.some(name => name === key);
    if (!isHandler || value == null) result[key] = value;
    else if (!placed) {
      Object.assign(result, by);
      placed = true;
    }
  }
  return result;
}
