import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { newJoinToken } from '../ca/index.ts';
import { PORTS, SYSTEM_NAMESPACE } from '../config/index.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import { parseDurationMs } from '../model/index.ts';
import { fieldAt } from '../plain/index.ts';
import { systemClock } from '../time/index.ts';
import { guarded } from './guarded.ts';
import { NAMES } from './install/names.ts';
import { type Cluster, type ClusterFlags, clusterFlags, connect } from './kubernetes/connect.ts';
import { showResolver, undoResolver, wishOf, writeResolver } from './machine/dns.ts';
import { Host } from './machine/host.ts';
import { joinMachine, leaveMachine } from './machine/join.ts';
import { balancerOf, type GroupFacts, groupFacts, preparedFiles, proxyEnvOf } from './machine/prepare.ts';
import { type ProxyEnv, parseProxyEnv } from './machine/proxy-env.ts';
import { machineStatus, type StatusLine } from './machine/status.ts';
import { PROXY_ENV, SERVICE, unitFiles } from './machine/units.ts';
import { adminAt } from './proxies/admin.ts';
import { screenOf, table } from './table.ts';
import { clusterJoinPlace, folderJoinPlace } from './token/place.ts';

const help = `
A machine outside of the cluster joins the mesh in two steps.

1. Where kubectl works. The group says who the machines are: apply a WorkloadGroup (docs/machines.md has one), let the control plane
   write their entries (weft install --machines), and have its port ${PORTS.discovery} reachable from the machine. Then:
     weft machine prepare --group billing -n vm --address 192.0.2.10 --control-plane weft.example:${PORTS.discovery} -o billing-1
   --dns lets apps there use names of the mesh; --intercept 10.96.0.0/12 sends their connections to these addresses through the proxy
   without their knowing. The folder holds a token that works once: copy it as you would a password.
     scp -r billing-1 root@192.0.2.10:

2. On the machine, as root, with this version's bundle in /opt/weft:
     weft machine join billing-1 && rm -r billing-1
     weft machine status

Afterwards:
     weft machine leave                    on the machine: out of the mesh, as it was before
     weft token list, weft token revoke ID where kubectl works: which machines there are, and an end to one`;

interface RootFlags {
  readonly root: string;
}

/** Adds the command `machine`. */
export function register(program: Command): void {
  const machine = program
    .command('machine')
    .summary('machines outside of the cluster: prepare, join, status, leave')
    .description('Machines outside of the cluster, run by systemd')
    .addHelpText('after', help);
  clusterFlags(machine.command('prepare').description('write what a machine needs to join into a folder'))
    .requiredOption('--group <name>', 'the WorkloadGroup that it joins')
    .requiredOption('-n, --namespace <name>', 'of the group')
    .requiredOption('--address <address>', 'of the machine, at which its app is called')
    .requiredOption('-o, --output <folder>', 'where to write')
    .option(
      '--control-plane <host:port>',
      'as the machine reaches it; where its Service has a load balancer: that',
    )
    .option('--dns', 'names of the mesh are answered on the machine')
    .option(
      '--intercept <blocks>',
      'send connections to these addresses through the proxy, as in a pod: 10.96.0.0/12,…',
    )
    .option('--expires <duration>', 'until when the token can be used', '1h')
    .option('--ca-dir <folder>', 'the folder of a control plane without a cluster; then also:')
    .option('--service-account <name>', 'with --ca-dir: of the group')
    .option('--ports <numbers>', 'with --ca-dir: of the app, comma-separated')
    .option('--system-namespace <name>', 'where the control plane runs', SYSTEM_NAMESPACE)
    .action(guarded(prepare));
  rootFlag(machine.command('join').description('on the machine: put it into the mesh, by systemd'))
    .argument('<folder>', 'that weft machine prepare has written')
    .action(guarded(async (folder: string, { root }: RootFlags) => joinMachine(hostOf(root), folder)));
  rootFlag(
    machine.command('status').description('on the machine: whether it is in the mesh, and what is wrong'),
  )
    .option('--admin <address>', 'of its proxy', `127.0.0.1:${PORTS.admin}`)
    .addOption(new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'))
    .action(guarded(status));
  rootFlag(machine.command('leave').description('on the machine: take it out of the mesh')).action(
    guarded(async ({ root }: RootFlags) => {
      leaveMachine(hostOf(root));
      process.stdout.write(
        'this machine has left; weft token revoke ID, where kubectl works, also ends its certificates\n',
      );
    }),
  );
  machine
    .command('unit')
    .description("print the proxy's unit for systemd")
    .option('--dns', 'with what answers names on the machine')
    .option('--intercept', 'with packet rules')
    .action(guarded(unit));
  rootFlag(
    machine.command('dns').description('on the machine: how it comes to ask its proxy for names; printed'),
  )
    .option('--write', 'put it in force')
    .option('--undo', 'take it back')
    .action(guarded(dns));
}

function rootFlag(command: Command): Command {
  return command.option('--root <folder>', 'of an image: files are written there, and commands printed', '/');
}

function hostOf(root: string): Host {
  return new Host(root, line => process.stderr.write(`${line}\n`));
}

interface PrepareFlags extends ClusterFlags {
  readonly group: string;
  readonly namespace: string;
  readonly address: string;
  readonly output: string;
  readonly controlPlane?: string;
  readonly dns?: boolean;
  readonly intercept?: string;
  readonly expires: string;
  readonly caDir?: string;
  readonly serviceAccount?: string;
  readonly ports?: string;
  readonly systemNamespace: string;
}

/** What is known where the control plane is. */
interface Known {
  readonly group: GroupFacts;
  readonly roots: string;
  readonly controlPlane: string;
  readonly place: ReturnType<typeof folderJoinPlace>;
}

async function prepare(flags: PrepareFlags): Promise<void> {
  const { group: name, namespace, address, output, dns = false, intercept } = flags;
  const lifeMs = parseDurationMs(flags.expires);
  if (lifeMs === undefined || lifeMs <= 0)
    throw bad(`--expires '${flags.expires}' is no duration; write for example 30m`);
  const { group, roots, controlPlane, place } =
    flags.caDir === undefined ? await inCluster(flags) : inFolder(flags, flags.caDir);
  if (controlPlane === '')
    throw bad(
      `nobody says where the machine reaches the control plane: give --control-plane HOST:${PORTS.discovery}, or its Service a load balancer`,
    );
  const cidrs = intercept?.split(',').map(each => each.trim());
  const env = proxyEnvOf({ group: name, namespace, address, controlPlane, dns, intercept: cidrs }, group);
  await place.read();
  const { id, token, record } = newJoinToken(
    { namespace, serviceAccount: group.serviceAccount },
    systemClock.now(),
    lifeMs,
  );
  mkdirSync(output, { recursive: true, mode: 0o700 });
  for (const { name: file, text, secret } of preparedFiles(env, token, roots)) {
    writeFileSync(join(output, file), text, { mode: secret ? 0o600 : 0o644 });
    if (secret) chmodSync(join(output, file), 0o600);
  }
  // Last: a token that nobody has is of no use to anybody.
  await place.write(id, record);
  process.stdout.write(
    `${output}: what ${address} needs to join as ${namespace}/${group.serviceAccount}, until ${new Date(record.expiresAtMs).toISOString()} (token ${id})\n` +
      `copy it there, and run as root: weft machine join ${output} && rm -r ${output}\n`,
  );
}

function inFolder(flags: PrepareFlags, caDir: string): Known {
  const ports = (flags.ports ?? '').split(',').filter(Boolean).map(Number);
  if (flags.serviceAccount === undefined)
    throw bad('--ca-dir needs --service-account, because there is no cluster to ask for the group');
  return {
    group: { serviceAccount: flags.serviceAccount, ports },
    roots: readFileSync(join(caDir, 'root-cert.pem'), 'utf8'),
    controlPlane: flags.controlPlane ?? '',
    place: folderJoinPlace(caDir),
  };
}

async function inCluster(flags: PrepareFlags): Promise<Known> {
  const { group, namespace, systemNamespace } = flags;
  const cluster = await connect(flags);
  const path = `/apis/networking.istio.io/v1/namespaces/${namespace}/workloadgroups/${group}`;
  const found = await read(cluster, path, `WorkloadGroup ${namespace}/${group}`);
  if (found === undefined)
    throw bad(`there is no WorkloadGroup ${namespace}/${group}; docs/machines.md has one to begin with`);
  const trust = await read(
    cluster,
    `/api/v1/namespaces/${systemNamespace}/configmaps/${NAMES.trust}`,
    `ConfigMap ${systemNamespace}/${NAMES.trust}`,
  );
  const roots = fieldAt(trust, 'data', 'root-cert.pem');
  if (typeof roots !== 'string' || roots === '')
    throw bad(
      `ConfigMap ${systemNamespace}/${NAMES.trust} has no roots yet; is the control plane there? weft check`,
    );
  const service = await read(
    cluster,
    `/api/v1/namespaces/${systemNamespace}/services/weft-injector`,
    `Service ${systemNamespace}/weft-injector`,
  );
  return {
    group: groupFacts(found),
    roots,
    controlPlane: flags.controlPlane ?? balancerOf(service, PORTS.discovery),
    place: clusterJoinPlace(cluster, systemNamespace),
  };
}

/** Undefined where there is none. */
async function read(cluster: Cluster, path: string, what: string): Promise<unknown> {
  const { status: code, body } = await cluster.request({ method: 'GET', path });
  if (code === 200) return body;
  if (code === 404) return undefined;
  throw bad(`${what} cannot be read: status ${code}; see weft machine --help for what it takes`);
}

async function status({
  root,
  admin,
  output,
}: RootFlags & { readonly admin: string; readonly output: string }) {
  const host = hostOf(root);
  const text = host.read(PROXY_ENV);
  const env: ProxyEnv | undefined = text === undefined ? undefined : parseProxyEnv(text, PROXY_ENV);
  const facts = {
    service: host.ask(['systemctl', 'is-active', SERVICE]),
    env,
    status: await statusOf(admin),
    asksProxy: asksProxy(host),
  };
  const lines = machineStatus(facts);
  if (output === 'json') process.stdout.write(`${JSON.stringify(lines, undefined, 2)}\n`);
  else process.stdout.write(`${statusText(lines)}\n`);
  if (lines.some(each => each.remedy !== undefined)) process.exitCode = 1;
}

function statusText(lines: readonly StatusLine[]): string {
  const rows = lines.map(({ what, is, remedy }) => [what, is, remedy ?? '']);
  return table(['', 'IS', 'WHAT TO DO'], rows, screenOf()).join('\n');
}

async function statusOf(admin: string): Promise<{ readonly body: unknown } | { readonly why: string }> {
  try {
    return { body: await adminAt(admin).read('/status') };
  } catch (error) {
    return { why: errorMessage(error) };
  }
}

/** Whether the machine's own configuration names the proxy. */
function asksProxy(host: Host): boolean {
  try {
    const { address } = wishOf(host);
    const files = ['/etc/resolv.conf', '/etc/systemd/resolved.conf.d/weft.conf'];
    return files.some(file => new RegExp(`(nameserver\\s+|DNS=)${address}\\b`).test(host.read(file) ?? ''));
  } catch {
    return false;
  }
}

async function unit({ dns: named, intercept }: { readonly dns?: boolean; readonly intercept?: boolean }) {
  const dropIns = [...(intercept ? ['intercept.conf'] : []), ...(named ? ['dns.conf'] : [])];
  for (const { path, text } of unitFiles(dropIns)) process.stdout.write(`# ${path}\n${text}\n`);
}

async function dns({ root, write, undo }: RootFlags & { readonly write?: boolean; readonly undo?: boolean }) {
  const host = hostOf(root);
  if (undo) undoResolver(host);
  else if (write) writeResolver(host);
  else process.stdout.write(showResolver(host));
}

function bad(message: string): WeftError {
  return new WeftError('bad-configuration', message, { source: 'config' });
}
