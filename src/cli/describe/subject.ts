// What is meant: a pod, a Service, a namespace.
import type { ObjectMesh } from '../../analyze/index.ts';
import { WeftError } from '../../errors/index.ts';
import type { Mesh, Service, Workload } from '../../model/index.ts';

/** `NAME`, in `namespace` or the only one that has it; `NAMESPACE/NAME`. */
interface Named {
  readonly namespace: string | undefined;
  readonly name: string;
}

function read(target: string, namespace: string | undefined): Named {
  const slash = target.indexOf('/');
  return slash < 0
    ? { namespace, name: target }
    : { namespace: target.slice(0, slash), name: target.slice(slash + 1) };
}

/** A pod by its name, or the first one of a workload of that name. Throws a WeftError `pod-absent` or `which-pod`. */
export function findWorkload({ workloads }: Mesh, target: string, namespace: string | undefined): Workload {
  const wanted = read(target, namespace);
  const all = [...workloads.values()].filter(
    each => wanted.namespace === undefined || each.namespace === wanted.namespace,
  );
  const exact = all.filter(({ name }) => name === wanted.name);
  const found = exact.length > 0 ? exact : all.filter(({ owner }) => owner.name === wanted.name);
  const namespaces = [...new Set(found.map(each => each.namespace))];
  if (namespaces.length > 1) throw refuse('which-pod', severalWords(wanted.name, namespaces));
  if (found[0]) return found[0];
  const names = [...new Set(all.map(({ owner }) => owner.name))].sort();
  throw refuse('pod-absent', absentWords(`pod or workload ${wanted.name}`, wanted.namespace, names));
}

/** A Service by its name or host. Throws a WeftError `service-absent` or `which-service`. */
export function findService(
  { services, serviceByHost }: Mesh,
  target: string,
  namespace: string | undefined,
): Service {
  const byHost = services.get(serviceByHost.get(target) ?? '');
  if (byHost) return byHost;
  const wanted = read(target, namespace);
  const all = [...services.values()].filter(
    each => wanted.namespace === undefined || each.namespace === wanted.namespace,
  );
  const found = all.filter(({ name }) => name === wanted.name);
  if (found.length > 1)
    throw refuse(
      'which-service',
      severalWords(
        wanted.name,
        found.map(each => each.namespace),
      ),
    );
  if (found[0]) return found[0];
  throw refuse(
    'service-absent',
    absentWords(`Service ${wanted.name}`, wanted.namespace, all.map(({ name }) => name).sort()),
  );
}

/** A namespace of which anything is known. Throws a WeftError `namespace-absent`. */
export function findNamespace({ mesh, objects }: ObjectMesh, name: string): string {
  const named = objects.some(({ ref }) => ref.kind === 'Namespace' && ref.name === name);
  if (named || objects.some(({ ref }) => ref.namespace === name)) return name;
  const all = new Set(
    [...mesh.services.values(), ...mesh.workloads.values()].map(({ namespace }) => namespace),
  );
  throw refuse('namespace-absent', absentWords(`namespace ${name}`, undefined, [...all].sort()));
}

function severalWords(name: string, namespaces: readonly string[]): string {
  return `there is a ${name} in each of ${namespaces.join(', ')}; say which with -n, or write NAMESPACE/${name}`;
}

function absentWords(what: string, namespace: string | undefined, names: readonly string[]): string {
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
  const has = names.length === 0 ? 'there is none at all' : `there are ${names.slice(0, 10).join(', ')}`;
  return `there is no ${what}${where} (${has})`;
}

function refuse(code: string, words: string): WeftError {
  return new WeftError(code, words, { source: 'config' });
}
