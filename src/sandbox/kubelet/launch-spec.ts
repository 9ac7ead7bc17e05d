import { join } from 'node:path';
import type { Container, Pod } from '../kube/index.ts';
import type { PodLink } from '../network/index.ts';
import type { LaunchSpec } from '../runtime/index.ts';
import { accountFiles } from './accounts.ts';
import { commandOf, DEFAULT_UID, findWorkingDir } from './command.ts';
import { containerEnv, type EnvLookup, serviceEnv } from './env.ts';
import { loopbackEnv, mapValues, onMachine } from './loopback-env.ts';
import type { KubeletParts } from './parts.ts';
import { containerMounts, hiddenBy, isInVolume, keepVisible } from './pod-mounts.ts';
import type { PodVolumes } from './volumes.ts';

/** A pod and where it has its place on this machine. */
export interface PodPlace {
  readonly parts: KubeletParts;
  readonly pod: Pod;
  readonly link: PodLink;
  /** The pod's own folder. */
  readonly folder: string;
  readonly volumes: PodVolumes;
  readonly lookup: EnvLookup;
}

/** Everything that makes a container's process what it is, or what is missing for that. */
export function launchSpec(
  place: PodPlace,
  container: Container,
  restarts: number,
): LaunchSpec | { readonly problem: string } {
  const { parts, pod, link, folder } = place;
  const hostname = pod.spec.hostname ?? pod.metadata.name;
  const found = containerEnv(pod, container, place.lookup, baseEnv(place, hostname));
  if ('missing' in found) return { problem: `it needs ${found.missing}` };
  const program = parts.programOf(container.image ?? '');
  const words = commandOf(container, program, found.env, process.execPath);
  if ('problem' in words) return words;
  const security = { ...pod.spec.securityContext, ...container.securityContext };
  const uid = security.runAsUser ?? DEFAULT_UID;
  const gid = security.runAsGroup ?? uid;
  const plain = link.netns === undefined;
  const volumes = containerMounts(container, folder, place.volumes);
  const accounts = plain ? [] : accountFiles(folder, { uid, gid, home: found.env.HOME });
  const mounts = keepVisible([...accounts, ...volumes], folder, program ? parts.programsDir : undefined);
  // What is in a volume is looked for when the volume is there; the rest is of the image, for which this machine stands.
  const inVolume =
    container.workingDir?.startsWith('/') === true && isInVolume(container.workingDir, volumes);
  const workingDir = program
    ? { path: '/' }
    : inVolume
      ? { path: container.workingDir! }
      : findWorkingDir(container.workingDir, parts);
  if ('problem' in workingDir) return workingDir;
  const [first] = words.command;
  const ofMachine = [...(inVolume ? [] : [workingDir.path]), ...(first === process.execPath ? [first] : [])];
  const hidden = hiddenBy(mounts, ofMachine);
  if (hidden) return hidden;
  const shown = (text: string): string => (plain ? onMachine(text, mounts, folder) : text);
  return {
    command: words.command.map(shown),
    workingDir: inVolume ? shown(workingDir.path) : workingDir.path,
    makeWorkingDir: inVolume,
    env: mapValues(found.env, shown),
    hostname,
    uid,
    gid,
    groups: groupsOf(pod),
    security,
    mounts,
    ...(link.netns ? { netns: link.netns } : {}),
    folder,
    scratch: join(folder, 'scratch', `${container.name}.${restarts}`),
    readAnywhere: parts.readAnywhere,
  };
}

function groupsOf(pod: Pod): number[] {
  const { fsGroup, supplementalGroups = [] } = pod.spec.securityContext ?? {};
  return [...new Set([...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])])];
}

function baseEnv({ parts, pod, link }: PodPlace, hostname: string): Record<string, string> {
  return {
    ...parts.baseEnv,
    HOSTNAME: hostname,
    ...serviceEnv(pod, parts.store.list('Service')),
    ...(link.netns === undefined ? loopbackEnv(pod, link.address) : {}),
  };
}

/** The pod's /etc/hosts, as the kubelet writes it. */
export function hostsFile(pod: Pod, address: string): string {
  const name = pod.spec.hostname ?? pod.metadata.name;
  const { subdomain } = pod.spec;
  const long = subdomain ? `${name}.${subdomain}.${pod.metadata.namespace}.svc.cluster.local ` : '';
  const aliases = (pod.spec.hostAliases ?? []).map(
    alias => `${alias.ip} ${(alias.hostnames ?? []).join(' ')}`,
  );
  return [
    '127.0.0.1 localhost',
    '::1 localhost ip6-localhost',
    `${address} ${long}${name}`,
    ...aliases,
    '',
  ].join('\n');
}
