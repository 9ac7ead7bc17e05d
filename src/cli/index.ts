// cli: the commands of `weft`, one file each, which exports `register(program)`. A file is imported only when its
// command is the one that was typed, so that `weft version` does not pay for what `weft sandbox` needs.
// In: argv. Out: stdout for what is asked for, stderr for what is said about it, an exit code.
//
// To add a command: write src/cli/<name>.ts, and add a row below.
import { Command } from 'commander';
import { VERSION } from '../config/index.ts';

/** A command as `weft --help` shows it. */
interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ register(program: Command, everything: () => Promise<Command>): void }>;
  /** A line for "Start here": what a newcomer types, and what they get. */
  readonly start?: readonly [typed: string, effect: string];
}

/** Every command, in the order of the help, under the headings that it has there. */
const groups: Readonly<Record<string, readonly CommandEntry[]>> = {
  'Weft in a cluster:': [
    {
      name: 'install',
      summary: 'print what Weft needs in a cluster',
      load: () => import('./install.ts'),
      start: ['weft install | kubectl apply -f -', 'the control plane, in your cluster'],
    },
    {
      name: 'check',
      summary: 'see whether Weft is well in a cluster, and what to do where it is not',
      load: () => import('./check.ts'),
      start: ['weft check', 'what is not well, each with its remedy'],
    },
    {
      name: 'upgrade',
      summary: 'print what an installed Weft needs to become this version',
      load: () => import('./upgrade.ts'),
    },
    {
      name: 'revision',
      summary: 'control planes beside each other: who uses which, and the names that stand for them',
      load: () => import('./revision.ts'),
    },
    {
      name: 'ca',
      summary: 'the certificate authority: how it is, rotations, revocations, certificates',
      load: () => import('./ca.ts'),
    },
    {
      name: 'token',
      summary: 'join tokens: let machines outside of the cluster into the mesh',
      load: () => import('./token.ts'),
    },
    {
      name: 'machine',
      summary: 'machines outside of the cluster: prepare, join, status, leave',
      load: () => import('./machine.ts'),
    },
    { name: 'uninstall', summary: 'take Weft out of a cluster', load: () => import('./uninstall.ts') },
  ],
  'Your YAML, before it runs:': [
    {
      name: 'inject',
      summary: 'add the proxy to the pods in Kubernetes YAML',
      load: () => import('./inject.ts'),
      start: ['weft inject -f app.yaml', 'your YAML with the proxy in it, ready for kubectl apply'],
    },
    {
      name: 'uninject',
      summary: 'take the proxy out of Kubernetes YAML again',
      load: () => import('./uninject.ts'),
    },
    {
      name: 'sandbox',
      summary: 'run the whole mesh on this machine, without a cluster',
      load: () => import('./sandbox.ts'),
      start: [
        'weft sandbox up DIR',
        'the pods of a folder of Kubernetes YAML, running here with the mesh in them',
      ],
    },
    {
      name: 'analyze',
      summary: 'find what is wrong with policies and workloads, before requests fail',
      load: () => import('./analyze.ts'),
      start: ['weft analyze -f DIR', 'what is wrong with your YAML, with file, line and remedy'],
    },
    {
      name: 'migrate',
      summary: 'say what will differ when Weft takes over from another',
      load: () => import('./migrate.ts'),
    },
    {
      name: 'validate',
      summary: "say whether a gateway's configuration in KDL can be used",
      load: () => import('./validate.ts'),
    },
    {
      name: 'lint',
      summary: "say what is odd about a gateway's configuration in KDL",
      load: () => import('./lint.ts'),
    },
  ],
  'Why:': [
    {
      name: 'authz',
      summary: 'tell who may call what, and the rule that decides',
      load: () => import('./authz.ts'),
    },
    {
      name: 'route',
      summary: 'tell where a request would go, and which rule of which object says so',
      load: () => import('./route.ts'),
      start: ['weft route GET http://reviews.shop/ -f DIR', 'where this request would go, and why'],
    },
    {
      name: 'describe',
      summary: 'in plain words: what holds for a pod, a Service or a namespace, and what is wrong with it',
      load: () => import('./describe.ts'),
      start: ['weft describe pod NAME -n NAMESPACE', 'what holds for this pod, and what is wrong with it'],
    },
    {
      name: 'explain',
      summary: 'tell why a request failed: the hop, the cause, the object that decided and what to do',
      load: () => import('./explain.ts'),
      start: ['weft explain ID', 'why the request of this x-request-id failed, and what to do'],
    },
  ],
  'How it is now:': [
    {
      name: 'proxy-status',
      summary: 'tell of each proxy whether it is connected, up to date and certified, and what is wrong',
      load: () => import('./proxy-status.ts'),
    },
    {
      name: 'proxy-config',
      summary: 'what a proxy has now: clusters, listeners, routes, endpoints, certificates, log levels',
      load: () => import('./proxy-config.ts'),
    },
    {
      name: 'stat',
      summary: 'requests per second, success, latency and mutual TLS of pods, workloads or Services',
      load: () => import('./stat.ts'),
      start: ['weft stat', 'how your workloads fare, from their proxies'],
    },
    {
      name: 'tap',
      summary: 'live requests of pods, workloads, Services or namespaces',
      load: () => import('./tap.ts'),
      start: ['weft tap -n shop', 'requests as they go, with status, latency and why they failed'],
    },
    {
      name: 'dashboard',
      summary: 'the mesh as a web page: who calls whom, golden signals, policies, tap and explain',
      load: () => import('./dashboard.ts'),
      start: ['weft dashboard', 'who calls whom, live, in your browser'],
    },
    {
      name: 'top',
      summary: 'the most frequent requests, live, with their latency and success',
      load: () => import('./top.ts'),
    },
    {
      name: 'edges',
      summary: 'who calls whom, with their identities and whether by mutual TLS',
      load: () => import('./edges.ts'),
    },
    {
      name: 'routes',
      summary: 'requests per second, success and latency of single routes, with and without retries',
      load: () => import('./routes.ts'),
    },
    {
      name: 'logs',
      summary: "the logs of proxies, of several pods at once, with the access log's lines made readable",
      load: () => import('./logs.ts'),
    },
    {
      name: 'events',
      summary:
        'what has happened that concerns the mesh: injection, policies, control plane, pods with a proxy',
      load: () => import('./events.ts'),
    },
  ],
  'About weft:': [
    {
      name: 'version',
      summary: 'print the versions of weft, of the control plane and of proxies',
      load: () => import('./version.ts'),
    },
    {
      name: 'completion',
      summary: 'print what makes a shell complete weft',
      load: () => import('./completion.ts'),
    },
  ],
};
const commands = Object.values(groups).flat();

/** The program `weft`, with the command that `argv` names loaded and the others known by name. */
export async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('weft')
    .description(
      'Weft, a service mesh for Kubernetes: mutual TLS, balancing, retries and metrics for your pods',
    )
    .version(VERSION, '-V, --version')
    // A flag belongs to the command that it follows: weft upgrade proxies --dry-run.
    .enablePositionalOptions()
    .showHelpAfterError('(weft --help lists the commands, weft COMMAND --help explains one)')
    .addHelpText('after', startHere());
  const wanted = wantedCommand(argv);
  for (const [heading, entries] of Object.entries(groups)) {
    program.commandsGroup(heading);
    for (const { name, summary, load } of entries) {
      if (name === wanted) (await load()).register(program, everything);
      else program.command(name).description(summary).allowUnknownOption();
    }
  }
  return program.helpCommand('help [command]', 'display help for command');
}

/**
 * `weft bogus --help` asks for the help of something that does not exist. commander answers with the general help and exit code
 * 0, so that a misspelt command in a script passes for a good one.
 */
export function refuseUnknownCommand(program: Command, argv: readonly string[]): void {
  const [first, second] = argv.slice(2).filter(word => !word.startsWith('-'));
  const asked = first === 'help' ? second : first;
  if (asked === undefined || asked === 'help' || program.commands.some(each => each.name() === asked)) return;
  program.error(`error: unknown command '${asked}'${suggestion(asked)}`);
}

/** The command that was probably meant. */
function suggestion(asked: string): string {
  const near = commands.find(
    ({ name }) => name.startsWith(asked) || asked.startsWith(name) || areNear(name, asked),
  );
  return near ? `\n(Did you mean ${near.name}?)` : '';
}

/** Whether one becomes the other by leaving out, adding or changing a single letter. */
function areNear(left: string, right: string): boolean {
  let same = 0;
  while (same < Math.min(left.length, right.length) && left[same] === right[same]) same++;
  const [a, b] = [left.slice(same), right.slice(same)];
  return a.slice(1) === b.slice(1) || a.slice(1) === b || a === b.slice(1);
}

/** The program with every command loaded, for what has to know them all. */
async function everything(): Promise<Command> {
  const program = new Command('weft').version(VERSION, '-V, --version');
  for (const { load } of commands) (await load()).register(program, everything);
  return program;
}

function wantedCommand(argv: readonly string[]): string | undefined {
  const words = argv.slice(2).filter(word => !word.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

function startHere(): string {
  const lines = commands.flatMap(({ start }) => (start ? [start] : []));
  const width = Math.max(...lines.map(([typed]) => typed.length));
  const shown = lines.map(([typed, effect]) => `  ${typed.padEnd(width)}  ${effect}`);
  return `\nStart here:\n${shown.join('\n')}`;
}
