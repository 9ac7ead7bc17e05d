// weft sandbox: the whole mesh on this machine. The commands are thin: what they do is in src/sandbox, what they show in
// sandbox-text.ts.
import { spawn } from 'node:child_process';
import { type Command, Option } from 'commander';
import { errorMessage, WeftError } from '../errors/index.ts';
import {
  defaultName,
  followFile,
  inNamespace,
  runAgent,
  runGate,
  Sandbox,
  SandboxFolder,
  sandboxNames,
  takeDown,
} from '../sandbox/index.ts';
import { countValue, replicasValue } from './flag-values.ts';
import { chooseLog } from './sandbox-logs.ts';
import { deadText, eventText, progressText, statusText, upText } from './sandbox-text.ts';

interface Named {
  readonly name?: string;
}

/** Flags of commands about something in a sandbox. */
interface Targeted extends Named {
  readonly namespace?: string;
}

const targets = `
A target is written NAME, KIND/NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME, the same for every command; kinds are pod, svc, deploy, sts,
ds, job and cronjob. Where a name is in several namespaces, say which: with -n, or in the target. A workload stands for one of its pods.`;

/** Adds `sandbox` and its commands. Each reports by itself and sets process.exitCode. */
export function register(program: Command): void {
  const sandbox = program
    .command('sandbox')
    .description('run the whole mesh on this machine, without a cluster');
  sandbox
    .command('up')
    .description(
      'start the Kubernetes YAML of a folder as a sandbox; changes to its files are applied while it runs',
    )
    .argument('<dir>', 'folder of Kubernetes YAML')
    .option('--name <name>', "the sandbox's name; made from the folder's unless given")
    .option(
      '--map <path=folder>',
      'folder that stands for a path of images, for workingDir; may be repeated',
      collect,
      {},
    )
    .addOption(
      new Option('--sidecar <mode>', 'how proxies are injected')
        .choices(['native', 'classic'])
        .default('native'),
    )
    .option('--loopback', 'no network namespaces, as without root: pods on addresses of 127.0.0.0/8')
    .option('--no-wait', 'return as soon as the pods are being started')
    .option('--timeout <seconds>', 'how long to wait for the pods', countValue, 90)
    .action(guarded(up));
  named(sandbox.command('down').description('stop a sandbox and remove everything of it')).action(
    guarded(down),
  );
  named(sandbox.command('status').description('pods, services and what is wrong'))
    .addOption(new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'))
    .action(guarded(status));
  targeted(sandbox.command('logs').description("what a pod's container printed"))
    .argument('<target>', 'pod or workload; or agent, for the sandbox itself')
    .option('-c, --container <name>', 'container; the first one unless given')
    .option('-f, --follow', 'go on as more is printed')
    .option('-p, --previous', 'the run before the last restart')
    .action(guarded(logs));
  targeted(sandbox.command('exec').description('run a command in a container'))
    .argument('<target>', 'pod or workload')
    .argument('<command...>', 'the command, after --')
    .option('-c, --container <name>', 'container; the first one unless given')
    .option('-i, --stdin', 'no effect: input and terminal are always passed on')
    .option('-t, --tty', 'no effect, like -i')
    .action(guarded(exec));
  targeted(sandbox.command('restart').description('rolling restart of a workload'))
    .argument('<target>', 'Deployment, StatefulSet or DaemonSet')
    .action(guarded(restart));
  targeted(sandbox.command('scale').description('set the number of replicas'))
    .argument('<target>', 'Deployment or StatefulSet')
    .argument('<replicas>', 'how many', replicasValue)
    .action(guarded(scale));
  targeted(sandbox.command('delete').description('delete a pod'))
    .argument('<pod...>', 'pods')
    .option('--force', 'at once, without a goodbye')
    .action(guarded(deletePod));
  targeted(sandbox.command('forward').description('open an address on this machine for a Service or pod'))
    .argument('<target>', 'Service, pod or workload')
    .argument('<port>', 'PORT or LOCAL:PORT')
    .action(guarded(forward));
  targeted(sandbox.command('trigger').description('run a CronJob now'))
    .argument('<target>', 'CronJob')
    .action(guarded(trigger));
  named(sandbox.command('events').description('what has happened, and goes on to happen')).action(
    guarded(events),
  );
  sandbox.command('list').description('the sandboxes of this machine').action(guarded(list));
  sandbox.command('agent <name>', { hidden: true }).action(runAgent);
  sandbox.command('gate <name>', { hidden: true }).action(runGate);
}

function named(command: Command): Command {
  return command.option('--name <name>', 'which sandbox; not needed while there is only one');
}

function targeted(command: Command): Command {
  return named(command)
    .option('-n, --namespace <namespace>', 'namespace of the target, where its name alone does not say it')
    .addHelpText('after', targets);
}

/** The target with the namespace of -n in it. */
function aimed(target: string, { namespace }: Targeted): string {
  const text = inNamespace(target, namespace);
  if (typeof text === 'string') return text;
  throw new WeftError('target', text.problem);
}

function collect(value: string, before: Record<string, string>): Record<string, string> {
  const equals = value.indexOf('=');
  if (equals < 1) throw new Error(`--map ${value}: write it as PATH=FOLDER`);
  return { ...before, [value.slice(0, equals)]: value.slice(equals + 1) };
}

/** Prints a WeftError's message instead of a stack. */
function guarded<A extends unknown[]>(action: (...args: A) => Promise<void>): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      await action(...args);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      console.error(
        `weft: ${error.name === 'WeftError' ? error.message : (error.stack ?? errorMessage(error))}`,
      );
      process.exitCode = 1;
    }
  };
}

function chosen({ name }: Named): string {
  if (name !== undefined) return name;
  const all = sandboxNames();
  if (all.length === 1) return all[0]!;
  const has =
    all.length === 0 ? 'there is none; start one with weft sandbox up DIR' : `there are: ${all.join(', ')}`;
  throw Object.assign(new Error(`which sandbox? ${has}${all.length > 0 ? '; name one with --name' : ''}`), {
    name: 'WeftError',
  });
}

interface UpFlags extends Named {
  readonly map: Record<string, string>;
  readonly sidecar: string;
  readonly loopback?: boolean;
  readonly wait: boolean;
  readonly timeout: number;
}

async function up(dir: string, flags: UpFlags): Promise<void> {
  const started = performance.now();
  const name = flags.name ?? defaultName(dir);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const sandbox = await Sandbox.up({
    dir,
    name,
    map: flags.map,
    sidecar: flags.sidecar === 'classic' ? 'classic' : 'native',
    ...(flags.loopback ? { mode: 'loopback' as const } : {}),
  });
  for (const limit of sandbox.limits) console.error(`weft: without transparent interception: ${limit}`);
  if (flags.wait) {
    const progress = progressText(text => process.stderr.write(text), process.stderr.isTTY === true);
    try {
      await sandbox.ready({ timeoutMs: flags.timeout * 1000, signal: interrupted.signal, progress });
    } catch (error) {
      if (interrupted.signal.aborted) await sandbox.down();
      else
        console.error(`weft: sandbox ${name} goes on running; end it with weft sandbox down --name ${name}`);
      throw error;
    }
  }
  const view = await sandbox.status();
  console.log(upText(view, performance.now() - started));
  // Up, but not with all that the folder asks for: a script must see that too.
  if (view.problems.some(({ severity }) => severity === 'error')) process.exitCode = 1;
}

async function down(flags: Named): Promise<void> {
  const name = chosen(flags);
  const was = new SandboxFolder(name).exists();
  const left = await takeDown(name);
  for (const line of left) console.error(`weft: left behind: ${line}`);
  if (left.length > 0) process.exitCode = 1;
  else console.log(was ? `sandbox ${name} is gone, nothing of it is left` : `there is no sandbox ${name}`);
}

async function status(flags: Named & { readonly output: string }): Promise<void> {
  const name = chosen(flags);
  try {
    const view = await Sandbox.attach(name).status();
    console.log(flags.output === 'json' ? JSON.stringify(view, undefined, 2) : statusText(view));
  } catch (error) {
    process.exitCode = 1;
    if (flags.output === 'json')
      console.log(JSON.stringify({ name, problem: errorMessage(error) }, undefined, 2));
    else console.log(deadText(name, errorMessage(error)));
  }
}

interface LogFlags extends Targeted {
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
}

async function logs(pod: string, flags: LogFlags): Promise<void> {
  const folder = new SandboxFolder(chosen(flags));
  const path = await chooseLog(folder, pod === 'agent' ? pod : aimed(pod, flags), flags);
  const ended = new AbortController();
  if (flags.follow) process.once('SIGINT', () => ended.abort());
  else ended.abort();
  const write = (text: string): void => void process.stdout.write(text);
  if (flags.follow) await followFile(path, write, ended.signal);
  else write((await import('node:fs')).readFileSync(path, 'utf8'));
}

async function exec(
  pod: string,
  command: string[],
  flags: Targeted & { readonly container?: string },
): Promise<void> {
  const words = await Sandbox.attach(chosen(flags)).execCommand(aimed(pod, flags), command, flags.container);
  const child = spawn(words[0]!, words.slice(1), { stdio: 'inherit' });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ? 1 : (code ?? 1)));
  });
}

async function restart(workload: string, flags: Targeted): Promise<void> {
  const started = performance.now();
  const restarted = await Sandbox.attach(chosen(flags)).restart(aimed(workload, flags), {
    timeoutMs: 300_000,
    progress: progressText(text => process.stderr.write(text), process.stderr.isTTY === true),
  });
  console.log(`${restarted} restarted in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

async function scale(workload: string, replicas: number, flags: Targeted): Promise<void> {
  const scaled = await Sandbox.attach(chosen(flags)).scale(aimed(workload, flags), replicas);
  console.log(`${scaled} scaled to ${replicas}`);
}

async function deletePod(words: string[], flags: Targeted & { readonly force?: boolean }): Promise<void> {
  const names = words[0] === 'pod' && words.length > 1 ? words.slice(1) : words;
  const sandbox = Sandbox.attach(chosen(flags));
  for (const name of names) {
    await sandbox.deletePod(aimed(name, flags), flags.force ? { force: true } : {});
    console.log(`${name} deleted`);
  }
}

async function forward(target: string, ports: string, flags: Targeted): Promise<void> {
  const [first, second] = ports.split(':') as [string, string | undefined];
  const port = second ?? first;
  const hostPort = second === undefined ? 0 : Number(first);
  const opened = await Sandbox.attach(chosen(flags)).forward(
    aimed(target, flags),
    /^\d+$/.test(port) ? Number(port) : port,
    hostPort,
  );
  console.log(`http://${opened.host}:${opened.port} leads to ${target}, port ${port}`);
}

async function trigger(cronJob: string, flags: Targeted): Promise<void> {
  console.log(`Job ${await Sandbox.attach(chosen(flags)).trigger(aimed(cronJob, flags))} created`);
}

async function events(flags: Named): Promise<void> {
  const ended = new AbortController();
  process.once('SIGINT', () => ended.abort());
  await Sandbox.attach(chosen(flags)).events(event => console.log(eventText(event)), ended.signal);
}

async function list(): Promise<void> {
  for (const name of sandboxNames()) {
    const folder = new SandboxFolder(name);
    const record = folder.record();
    const code = folder.agentExitCode();
    const state = code === undefined ? 'running' : `its agent ended with ${code}`;
    console.log(`${name.padEnd(20)} ${record?.mode ?? '?'}  ${state}  ${record?.dir ?? ''}`);
  }
}
