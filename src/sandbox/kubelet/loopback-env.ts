// What apps must be told where pods have no network and no files of their own.
import { resolve } from 'node:path';
import { ANNOTATIONS, PORTS } from '../../config/index.ts';
import type { Pod } from '../kube/index.ts';
import type { Mount } from '../runtime/index.ts';

/**
 * Where to listen, and which proxy to use (pure). Node reads HTTP_PROXY only when it is asked to. Loopback addresses are
 * other pods here, so only `localhost` goes without the proxy.
 */
export function loopbackEnv(pod: Pod, address: string): Record<string, string> {
  const own = { HOST: address, POD_IP: address };
  if (pod.metadata.annotations?.[ANNOTATIONS.status] === undefined) return own;
  const proxy = `http://${address}:${PORTS.outbound}`;
  return {
    ...own,
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    NO_PROXY: 'localhost',
    no_proxy: 'localhost',
    NODE_USE_ENV_PROXY: '1',
  };
}

/** A path below a volume's mount point as the path on this machine, as nothing can be mounted (pure); other texts as they are. */
export function onMachine(text: string, mounts: readonly Mount[], folder: string): string {
  const volumes = mounts.filter(({ isFile }) => !isFile);
  const inside = volumes.filter(({ target }) => text === target || text.startsWith(`${target}/`));
  const deepest = inside.sort((a, b) => b.target.length - a.target.length)[0];
  if (!deepest) return text;
  return resolve(folder, deepest.source) + text.slice(deepest.target.length);
}

/** The same keys with other values. */
export function mapValues(
  map: Readonly<Record<string, string>>,
  to: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, to(value)]));
}
