// Network namespaces for tests: made with unique names, gone with everything in them when disposed.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Run, systemRun } from '../run.ts';
import type { Answer, Order } from './agent.ts';

/** Why tests that need namespaces and iptables cannot run here; false when they can. */
export function cannotRun(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root';
  for (const [command, option] of [
    ['iptables-nft', '--version'],
    ['iptables-legacy', '--version'],
    ['nsenter', '--version'],
    ['ip', '-V'],
  ] as const) {
    try {
      execFileSync(command, [option], { stdio: 'ignore' });
    } catch {
      return `needs ${command}`;
    }
  }
  try {
    execFileSync('unshare', ['--net', 'iptables-nft', '-t', 'nat', '-S'], { stdio: 'ignore' });
  } catch {
    return 'needs the right to make network namespaces and packet rules';
  }
  return false;
}

let made = 0;

/**
 * A test run that is stopped from outside takes its namespaces with it: leaving through exit deletes them. What a run left that
 * was killed outright, this run deletes: the name says which process made it.
 */
function keepClean(): void {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  for (const line of execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n')) {
    const [, name, pid] = /^(weft-test-(\d+)-\S+)/.exec(line) ?? [];
    if (name !== undefined && !existsSync(`/proc/${pid}`)) execFileSync('ip', ['netns', 'del', name]);
  }
}

/** One network namespace with lo up. */
export class Namespace implements AsyncDisposable {
  readonly name: string;
  /** Runs commands inside. */
  readonly run: Run;
  readonly #agents = new Set<ChildProcess>();
  readonly #onExit = (): void => this.#delete();

  constructor(label: string) {
    this.name = `weft-test-${process.pid}-${label}-${++made}`;
    if (made === 1) keepClean();
    execFileSync('ip', ['netns', 'add', this.name]);
    process.on('exit', this.#onExit);
    this.run = systemRun(this.enter);
    this.ip('link set lo up');
  }

  get enter(): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.name}`, '--'];
  }

  /** Runs `ip` with these arguments, divided by blanks. Throws when it fails. */
  ip(command: string): void {
    execFileSync('ip', ['-n', this.name, ...command.split(' ')]);
  }

  /** Runs a command inside to its end and returns what it printed. Throws when it fails. */
  exec(command: string, args: readonly string[], input = ''): string {
    const [first, ...rest] = [...this.enter, command, ...args] as [string, ...string[]];
    return execFileSync(first, rest, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** Starts an agent inside, with the rights of this user and group. */
  async agent(name: string, uid: number, gid: number): Promise<Agent> {
    const [first, ...rest] = [...this.enter, process.execPath, join(import.meta.dirname, 'agent.ts')];
    const child = spawn(first!, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#agents.add(child);
    const agent = new Agent(child);
    await agent.order({ do: 'become', name, uid, gid });
    return agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#agents) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    process.off('exit', this.#onExit);
    this.#delete();
  }

  #delete(): void {
    execFileSync('ip', ['netns', 'del', this.name]);
  }
}

const ended = 'the agent ended';

/** A running agent. */
export class Agent {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #last = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message: { id: number; result: unknown }) => {
      this.#waiting.get(message.id)?.(message.result);
      this.#waiting.delete(message.id);
    });
    child.on('exit', () => {
      for (const resolve of this.#waiting.values()) resolve({ error: ended });
    });
  }

  /** Throws when it cannot listen. */
  async listen(host: string, port: number, how: 'listen' | 'listen-udp' = 'listen'): Promise<void> {
    const result = (await this.order({ do: how, host, port })) as { error?: string };
    if (result.error !== undefined) throw new Error(`${how} on ${host} port ${port}: ${result.error}`);
  }

  connect(host: string, port: number, from?: string): Promise<Answer> {
    return this.order({ do: 'connect', host, port, from }) as Promise<Answer>;
  }

  order(order: Order): Promise<unknown> {
    const id = ++this.#last;
    if (!this.#child.connected) return Promise.resolve({ error: ended });
    return new Promise(resolve => {
      this.#waiting.set(id, resolve);
      this.#child.send({ id, order });
    });
  }
}

/**
 * A pod and its neighbour, joined by a veth pair: 10.77.0.2 and fd77::2 here, 10.77.0.1 and fd77::1 there, which is also the way
 * out.
 */
export async function podAndPeer(): Promise<{ pod: Namespace; peer: Namespace } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const pod = stack.use(new Namespace('pod'));
  const peer = stack.use(new Namespace('peer'));
  execFileSync('ip', [
    '-n',
    pod.name,
    'link',
    'add',
    'eth0',
    'type',
    'veth',
    'peer',
    'eth0',
    'netns',
    peer.name,
  ]);
  for (const [namespace, host] of [
    [pod, 2],
    [peer, 1],
  ] as const) {
    namespace.ip(`addr add 10.77.0.${host}/24 dev eth0`);
    namespace.ip(`addr add fd77::${host}/64 dev eth0 nodad`);
    namespace.ip('link set eth0 up');
  }
  pod.ip('route add default via 10.77.0.1');
  pod.ip('-6 route add default via fd77::1');
  // An outside address beyond the neighbour.
  peer.ip('addr add 10.78.0.1/32 dev lo');
  peer.ip('addr add fd78::1/128 dev lo nodad');
  const owned = stack.move();
  return { pod, peer, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
