import { errorMessage, guarded } from '../errors/index.ts';
import type { ApiError, ApiObject } from '../kubernetes/index.ts';
import type { KubernetesDiscovery } from '../model/index.ts';
import { fieldAt, recordOf, recordsOf } from '../plain/index.ts';
import type { Clock } from '../time/index.ts';
import type { Discover, FoundEndpoint } from './found.ts';

/** Endpoints of a Service, by watching its EndpointSlices; the client library is loaded when the first such upstream is there. */
export function discoverKubernetes(clock: Clock, settings: KubernetesDiscovery): Discover {
  return (listener, signal) => {
    void follow(clock, settings, listener, signal).catch(
      guarded('upstreams.kubernetes', (error: unknown) => {
        if (signal.aborted) return;
        listener.failed(
          `Service ${settings.namespace}/${settings.service} cannot be followed: ${errorMessage(error)}`,
        );
        clock.after(settings.refreshMs, () => discoverKubernetes(clock, settings)(listener, signal));
      }),
    );
  };
}

async function follow(
  clock: Clock,
  { namespace, service, portName, kubeconfig }: KubernetesDiscovery,
  listener: Parameters<Discover>[0],
  signal: AbortSignal,
): Promise<void> {
  const { KubeClient, Reflector, TYPES } = await import('../kubernetes/index.ts');
  if (signal.aborted) return;
  const { homedir } = await import('node:os');
  const client = new KubeClient({
    userAgent: 'weft-proxy',
    ...(kubeconfig !== undefined && { kubeconfig: kubeconfig.replace(/^~(?=\/)/, homedir()) }),
  });
  const slices = new Map<string, ApiObject>();
  let synced = false;
  const tell = (): void => {
    if (synced) listener.found(endpointsOfSlices([...slices.values()], portName));
  };
  const reflector = new Reflector({
    client,
    clock,
    type: TYPES.endpointSlice,
    namespace,
    labelSelector: `kubernetes.io/service-name=${service}`,
    put: (object, key) => {
      slices.set(key, object);
      tell();
    },
    gone: key => {
      slices.delete(key);
      tell();
    },
    changed: () => {
      const { state } = reflector;
      if (state.phase === 'watching' && !synced) {
        synced = true;
        tell();
      }
      if (state.phase === 'waiting') listener.failed(waitingWords(state.error, namespace, service));
    },
  });
  await reflector.run(signal);
}

function waitingWords(error: ApiError, namespace: string, service: string): string {
  return `EndpointSlices of Service ${namespace}/${service} cannot be read: ${error.message}`;
}

/**
 * Ready endpoints of EndpointSlices, on the port of this name or the first. Where none is ready those that still serve while
 * they end, as kube-proxy has it (KEP-1669). Exported for tests.
 */
export function endpointsOfSlices(
  slices: readonly ApiObject[],
  portName: string | undefined,
): readonly FoundEndpoint[] {
  const found = new Map<string, { readonly endpoint: FoundEndpoint; readonly ready: boolean }>();
  for (const slice of slices) {
    const ports = recordsOf(slice.ports);
    const port = portName === undefined ? ports[0]?.port : ports.find(each => each.name === portName)?.port;
    if (typeof port !== 'number' || slice.addressType === 'FQDN') continue;
    for (const each of recordsOf(slice.endpoints)) {
      const { ready = true, serving = ready, terminating = false } = recordOf(each.conditions);
      if (ready !== true && !(serving === true && terminating === true)) continue;
      const zone = fieldAt(each, 'zone');
      for (const address of Array.isArray(each.addresses) ? each.addresses : [])
        if (typeof address === 'string')
          found.set(`${address} ${port}`, {
            ready: ready === true,
            endpoint: { address, port, weight: 1, ...(typeof zone === 'string' && { zone }) },
          });
    }
  }
  const all = [...found.values()];
  const ready = all.filter(each => each.ready);
  return (ready.length > 0 ? ready : all).map(each => each.endpoint);
}
