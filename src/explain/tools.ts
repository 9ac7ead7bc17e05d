import { formatRef, type ObjectRef, shellWord } from '../model/index.ts';

/** The commands that help, where this mesh runs. Each is whole: it can be typed as it stands. */
export interface Tools {
  /** What the app of a pod wrote. */
  appLog(namespace: string, pod: string): string;
  proxyLog(namespace: string, pod: string): string;
  restart(namespace: string, workload: string): string;
  /** How the mesh as a whole is. */
  readonly check: string;
  proxyStatus(): string;
  /** What the proxy of a pod has: `clusters`, `routes`, `secret`, … */
  proxyConfig(what: string, namespace: string, pod: string): string;
  /** Which rule takes a request. */
  route(method: string, url: string, namespace: string, pod: string): string;
  /** Which endpoints a Service has. */
  endpoints(namespace: string, service: string): string;
  pods(namespace: string): string;
  /** Where the settings of a pod speak of something. */
  settings(namespace: string, pod: string, text: string): string;
  /** The object as it is. */
  show(ref: ObjectRef): string;
}

/** In a cluster, of kubectl's current context. */
export const clusterTools: Tools = {
  appLog: (namespace, pod) => `kubectl logs -n ${namespace} ${pod}`,
  proxyLog: (namespace, pod) => `kubectl logs -n ${namespace} ${pod} -c weft-proxy`,
  restart: (namespace, workload) => `kubectl rollout restart -n ${namespace} deployment/${workload}`,
  check: 'weft check',
  proxyStatus: () => 'weft proxy-status',
  proxyConfig: (what, namespace, pod) => `weft proxy-config ${what} ${namespace}/${pod}`,
  route: (method, url, namespace, pod) =>
    `weft route ${method} ${shellWord(url)} --proxy ${namespace}/${pod}`,
  endpoints: (namespace, service) =>
    `kubectl get endpointslices -n ${namespace} -l kubernetes.io/service-name=${service}`,
  settings: (namespace, pod, text) =>
    `kubectl get pod -n ${namespace} ${pod} -o yaml | grep -n ${shellWord(text)}`,
  pods: namespace => `kubectl get pods -n ${namespace} -o wide`,
  show: ref =>
    `kubectl get ${resourceOf(ref)} ${ref.name}${ref.namespace === '' ? '' : ` -n ${ref.namespace}`} -o yaml`,
};

/** In a sandbox of this name. */
export function sandboxTools(name: string): Tools {
  const named = `--name ${name}`;
  return {
    appLog: (namespace, pod) => `weft sandbox logs ${namespace}/${pod} ${named}`,
    proxyLog: (namespace, pod) => `weft sandbox logs ${namespace}/${pod} -c weft-proxy ${named}`,
    restart: (namespace, workload) => `weft sandbox restart ${namespace}/${workload} ${named}`,
    check: `weft sandbox status ${named}`,
    proxyStatus: () => `weft proxy-status --sandbox ${name}`,
    proxyConfig: (what, namespace, pod) => `weft proxy-config ${what} ${namespace}/${pod} --sandbox ${name}`,
    route: (method, url, namespace, pod) =>
      `weft route ${method} ${shellWord(url)} --proxy ${namespace}/${pod} --sandbox ${name}`,
    endpoints: (namespace, service) => `weft sandbox status ${named} | grep ${namespace}/${service}`,
    settings: (_namespace, _pod, text) => `grep -rn ${shellWord(text)} .`,
    pods: () => `weft sandbox status ${named}`,
    // The folder of YAML is what there is.
    show: ({ origin, ...ref }) =>
      origin === undefined
        ? `weft sandbox status ${named}`
        : `sed -n '${lineOf(origin)},+40p' ${fileOf(origin)} # ${formatRef(ref)}`,
  };
}

/** As kubectl takes it: `virtualservices.networking.istio.io`. */
function resourceOf({ apiVersion, kind }: ObjectRef): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return group === '' ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`;
}

function fileOf(origin: string): string {
  return shellWord(origin.replace(/:\d+$/, ''));
}

function lineOf(origin: string): string {
  return /:(\d+)$/.exec(origin)?.[1] ?? '1';
}
