import type { Mesh, Service } from '../model/index.ts';

/** The Services that an exact host means; none for a wildcard. */
export function servicesOf(
  host: string,
  { services, serviceByHost, externalsByHost }: Mesh,
): readonly Service[] {
  const key = serviceByHost.get(host);
  const keys = key === undefined ? (externalsByHost.get(host) ?? []) : [key];
  const exact = keys.flatMap(each => services.get(each) ?? []);
  if (exact.length > 0 || host.startsWith('*')) return exact;
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    const wild = externalsByHost.get(`*${host.slice(dot)}`);
    if (wild) return wild.flatMap(each => services.get(each) ?? []);
  }
  return [];
}

/** Whether there is anything that a host or wildcard covers. */
export function isKnownHost(host: string, mesh: Mesh): boolean {
  if (!host.startsWith('*')) return servicesOf(host, mesh).length > 0;
  const suffix = host.slice(1);
  const covers = (each: string): boolean => each.endsWith(suffix);
  return [...mesh.serviceByHost.keys(), ...mesh.externalsByHost.keys(), ...mesh.routeTables.keys()].some(
    each => each !== host && covers(each),
  );
}

/** Whether the name is one that only a Service of this cluster could have. */
export function isClusterHost(host: string, { clusterDomain }: Mesh): boolean {
  return host.endsWith(`.svc.${clusterDomain}`);
}

/** Where there is a Service of the same name: `reviews.shop`. For remedies. */
export function namesakes(host: string, mesh: Mesh): readonly string[] {
  const [name] = host.split('.');
  return [...mesh.services.values()]
    .filter(each => each.name === name && each.host !== host)
    .map(each => `${each.name}.${each.namespace}`)
    .slice(0, 3);
}
