import type { SecurityContext } from '../kube/index.ts';
import { enterRoot, type HostFiles, type Mount, mountScript } from './mount-script.ts';
import { quoteAll } from './quote.ts';

/** Everything that makes a container's process what it is. */
export interface LaunchSpec {
  readonly command: readonly string[];
  readonly workingDir: string;
  /** Whether it is in a volume, where it may not exist yet: container engines make it. */
  readonly makeWorkingDir?: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly uid: number;
  readonly gid: number;
  /** Groups beside `gid`. */
  readonly groups: readonly number[];
  readonly security?: SecurityContext;
  readonly mounts: readonly Mount[];
  /** Name of the pod's network namespace; undefined where pods share the machine's. */
  readonly netns?: string;
  /** The pod's own folder, which relative sources of mounts are relative to. */
  readonly folder: string;
  /** An empty folder that only this container uses. */
  readonly scratch: string;
  /** Whether the process must read files that its uid cannot reach (a project below /root, say). */
  readonly readAnywhere: boolean;
}

/** A program of sh text, and the command that runs it. */
export interface Launch {
  readonly script: string;
  /** The script's path goes behind it. */
  readonly command: readonly string[];
}

/** Exit code of a container whose surroundings could not be made; its command never ran. */
export const PREPARATION_FAILED = 125;

/** What container engines leave to root in a container. */
const defaultCapabilities = [
  'chown',
  'dac_override',
  'fsetid',
  'fowner',
  'mknod',
  'net_raw',
  'setgid',
  'setuid',
  'setfcap',
  'setpcap',
  'net_bind_service',
  'sys_chroot',
  'kill',
  'audit_write',
];

/**
 * The script and command that start a container (pure), in a PID namespace of its own where it has a network namespace. Every
 * step becomes the next with exec, so the process id stays.
 */
export function launchContainer(spec: LaunchSpec, host: HostFiles): Launch {
  if (spec.netns === undefined) return launchPlainly(spec);
  const mounts = mountScript(spec.mounts, host, spec.scratch);
  const script = [
    'set -e',
    `trap 'echo "weft sandbox: the container could not be prepared, see the lines above" >&2; exit ${PREPARATION_FAILED}' EXIT`,
    // The processes of the container's own PID namespace, of which it is number 1.
    'mount -t proc proc /proc',
    `hostname ${quoteAll([spec.hostname])}`,
    // As container engines do: any user may listen on any port of the pod.
    'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start',
    `cd ${quoteAll([spec.folder])}`,
    ...mounts.lines,
    ...(spec.makeWorkingDir ? [`mkdir -p "$R"${quoteAll([spec.workingDir])}`] : []),
    'trap - EXIT',
    ...enterRoot(mounts.root, spec.workingDir, [...becomeUser(spec), ...withEnvironment(spec)]),
  ];
  return {
    script: `${script.join('\n')}\n`,
    command: ['nsenter', `--net=/run/netns/${spec.netns}`, 'unshare', '--mount', '--uts', '--', '/bin/sh'],
  };
}

/** Without root: the same process with the same environment, but on the machine's files and network. */
function launchPlainly(spec: LaunchSpec): Launch {
  const lines = enterRoot('', spec.workingDir, withEnvironment(spec));
  return { script: `set -e\n${lines.join('\n')}\n`, command: ['/bin/sh'] };
}

/** The command that runs `command` beside a container's running process, as the same user in the same surroundings. */
export function execInContainer(
  spec: Pick<
    LaunchSpec,
    'env' | 'uid' | 'gid' | 'groups' | 'security' | 'netns' | 'readAnywhere' | 'workingDir'
  >,
  pid: number,
  command: readonly string[],
): readonly string[] {
  const inner = withEnvironment({ env: spec.env, command });
  if (spec.netns === undefined)
    return ['/bin/sh', '-c', `cd ${quoteAll([spec.workingDir])} && exec ${quoteAll(inner)}`];
  const enter = [
    'nsenter',
    '--target',
    String(pid),
    '--net',
    '--mount',
    '--uts',
    '--pid',
    '--root',
    '--wd',
    '--',
  ];
  return [...enter, ...becomeUser(spec), ...inner];
}

function withEnvironment(spec: Pick<LaunchSpec, 'env' | 'command'>): string[] {
  const variables = Object.entries(spec.env).map(([name, value]) => `${name}=${value}`);
  return ['env', '-i', ...variables, ...spec.command];
}

function becomeUser(
  spec: Pick<LaunchSpec, 'uid' | 'gid' | 'groups' | 'security' | 'readAnywhere'>,
): string[] {
  const groups = spec.groups.length > 0 ? `--groups=${spec.groups.join(',')}` : '--clear-groups';
  const words = ['setpriv', `--reuid=${spec.uid}`, `--regid=${spec.gid}`, groups];
  if (spec.uid === 0) {
    if (spec.security?.privileged) return words;
    return [...words, `--bounding-set=${boundingSet(spec.security, spec.readAnywhere).join(',')}`];
  }
  if (!spec.readAnywhere) return [...words, '--no-new-privs'];
  return [...words, '--no-new-privs', '--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'];
}

function boundingSet(security: SecurityContext | undefined, readAnywhere: boolean): string[] {
  const name = (capability: string): string => capability.toLowerCase().replace(/^cap_/, '');
  const drop = new Set((security?.capabilities?.drop ?? []).map(name));
  const base = drop.has('all') ? [] : defaultCapabilities.filter(capability => !drop.has(capability));
  const added = [...(security?.capabilities?.add ?? []), ...(readAnywhere ? ['dac_read_search'] : [])];
  const kept = new Set([...base, ...added.map(name)]);
  return kept.has('all') ? ['+all'] : ['-all', ...[...kept].map(capability => `+${capability}`)];
}
