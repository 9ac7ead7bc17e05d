// Whom a pod is going to call, as far as its template says: URLs, host:port and names in its environment and its command line.
import type { Mesh } from '../model/index.ts';
import { fieldAt, recordsOf } from '../plain/index.ts';

/** A host, with what stands before and after it. */
const hostPattern =
  /(\/\/(?:[^\s/@]*@)?|^|[\s=,;"'(])([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*)(:\d{1,5})?(?=$|[\s/?#,;"')])/gi;
/** Variables whose whole value is a name. */
const hostVariable = /(HOST|HOSTNAME|ADDR|ADDRESS|ENDPOINT|SERVICE|SERVER|UPSTREAM|TARGET|URL|URI)$/i;

/** Keys (`namespace/name`) of the Services of the mesh that the pod template names; a guess, and never all that it calls. */
export function mentionedServices(spec: unknown, namespace: string, mesh: Mesh): ReadonlySet<string> {
  const found = new Set<string>();
  for (const host of hostsIn(spec)) {
    const key = serviceNamed(host.toLowerCase(), namespace, mesh);
    if (key !== undefined) found.add(key);
  }
  return found;
}

function hostsIn(spec: unknown): readonly string[] {
  const containers = ['initContainers', 'containers'].flatMap(list => recordsOf(fieldAt(spec, list)));
  return containers.flatMap(({ command, args, env }) => [
    ...[command, args]
      .flatMap(list => (Array.isArray(list) ? list : []))
      .flatMap(word => hostsOf(word, false)),
    ...recordsOf(env).flatMap(({ name, value }) => hostsOf(value, hostVariable.test(String(name)))),
  ]);
}

/** `bare`: a name without scheme, port or dot counts too. */
function hostsOf(text: unknown, bare: boolean): readonly string[] {
  if (typeof text !== 'string') return [];
  return [...text.matchAll(hostPattern)].flatMap(([, before = '', host = '', port]) => {
    const isHost =
      before.startsWith('//') || port !== undefined || host.includes('.') || (bare && host === text);
    return isHost ? [host] : [];
  });
}

function serviceNamed(
  host: string,
  namespace: string,
  { services, serviceByHost, clusterDomain }: Mesh,
): string | undefined {
  const exact = serviceByHost.get(host);
  if (exact !== undefined) return exact;
  const short = host.endsWith(`.svc.${clusterDomain}`)
    ? host.slice(0, -`.svc.${clusterDomain}`.length)
    : host.replace(/\.svc$/, '');
  const [name, where = namespace, ...more] = short.split('.');
  const key = `${where}/${name}`;
  return more.length === 0 && services.has(key) ? key : undefined;
}
