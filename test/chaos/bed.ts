// The mesh that faults are done to: a sandbox with two servers and their client, and what can be done to its parts. Everything is
// of the kernel: signals, packet rules, links, limits. Whatever is done is undone by the function that comes back.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type PodView, Sandbox } from '../../src/sandbox/index.ts';
import { type Outcome, readOutcomes } from './kinds.ts';
import { memoryGroup } from './memory-group.ts';

/** Takes a fault back. */
export type Undo = () => void | Promise<void>;

/** A part of the mesh, by what it does. */
export type Part = 'server' | 'server proxy' | 'client proxy' | 'control plane' | 'agent';

const nothing: Undo = () => {};
const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** A running mesh under load. */
export class Bed implements AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly #agentPid: number;

  private constructor(sandbox: Sandbox, agentPid: number) {
    this.sandbox = sandbox;
    this.#agentPid = agentPid;
  }

  /** Starts one, and waits until all its clients are answered. */
  static async up(name: string): Promise<Bed> {
    const sandbox = await Sandbox.up({ dir: join(import.meta.dirname, 'mesh'), name });
    try {
      const { agentPid } = await sandbox.ready({ timeoutMs: 90_000 });
      const bed = new Bed(sandbox, agentPid);
      await bed.calm();
      return bed;
    } catch (error) {
      await sandbox.down();
      throw error;
    }
  }

  /** What became of everything that the client has tried until now. */
  outcomes(): readonly Outcome[] {
    return readOutcomes(this.sandbox.logs('shop', 'client', 'client'));
  }

  /** Waits until all pods are ready and for two seconds nobody has seen an error while everybody was answered. */
  async calm(): Promise<void> {
    // What was done just now shows neither in the pods' state nor in the client's log.
    await sleep(2_000);
    for (const limit = performance.now() + 60_000; performance.now() < limit; await sleep(300)) {
      const { pods } = await this.sandbox.status();
      const sinceMs = Date.now() - 2_000;
      const recent = this.outcomes().filter(({ atMs }) => atMs > sinceMs);
      const lanes = new Set(recent.map(({ kind, lane }) => `${kind} ${lane}`));
      if (pods.every(({ ready }) => ready) && lanes.size === 12 && recent.every(({ error }) => error === ''))
        return;
    }
    throw new Error(`the mesh did not calm down within a minute: ${await this.#state()}`);
  }

  /**
   * A pod of the Deployment `echo`, the client, or the control plane: the first by name, so that a row speaks of one all the
   * time.
   */
  async pod(part: Part): Promise<PodView> {
    const label = part === 'control plane' ? 'weft-injector' : part === 'client proxy' ? 'client' : 'echo';
    const pods = (await this.sandbox.pods()).filter(each => each.labels.app === label && !each.terminating);
    const found = pods.toSorted((one, two) => one.name.localeCompare(two.name))[0];
    if (found === undefined) throw new Error(`there is no pod of ${label}`);
    return found;
  }

  /** Kills it; whoever started it starts it anew. */
  async kill(part: Part): Promise<Undo> {
    await (await this.#signals(part))('SIGKILL');
    return nothing;
  }

  /** Stops it until the fault is taken back. */
  async pause(part: Part): Promise<Undo> {
    const signal = await this.#signals(part);
    await signal('SIGSTOP');
    return () => signal('SIGCONT');
  }

  /** Lets it run for a fifth of the time, in turns of `turnMs`: a processor that somebody else uses. */
  async slow(part: Part, turnMs = 100): Promise<Undo> {
    const signal = await this.#signals(part);
    let over = false;
    const turns = (async () => {
      while (!over) {
        await signal('SIGSTOP');
        await sleep(turnMs * 0.8);
        await signal('SIGCONT');
        await sleep(turnMs * 0.2);
      }
    })();
    return () => {
      over = true;
      return turns;
    };
  }

  /** Loses all packets from and to a pod, without a word to anybody. */
  async partition(part: Part): Promise<Undo> {
    const { address } = await this.pod(part);
    return this.rules([
      ['PREROUTING', '-s', address, '-j', 'DROP'],
      ['POSTROUTING', '-d', address, '-j', 'DROP'],
    ]);
  }

  /** Takes a pod's link down, and up again. */
  async unplug(part: Part): Promise<Undo> {
    const { netns } = await this.pod(part);
    const routes = run('ip', ['-n', netns!, 'route']).trim().split('\n');
    run('ip', ['-n', netns!, 'link', 'set', 'eth0', 'down']);
    return () => {
      run('ip', ['-n', netns!, 'link', 'set', 'eth0', 'up']);
      // Those that need no gateway first.
      for (const route of routes.toSorted(
        (one, two) => Number(one.includes('via')) - Number(two.includes('via')),
      ))
        run('ip', [
          '-n',
          netns!,
          'route',
          'replace',
          ...route
            .trim()
            .split(/\s+/)
            .filter(word => word !== 'linkdown'),
        ]);
    };
  }

  /** Puts packet rules into the node's table mangle, which the agent leaves alone: it writes the others anew when pods change. */
  rules(rules: readonly (readonly string[])[]): Undo {
    const change = (how: string, [chain, ...rule]: readonly string[]): void =>
      void run('ip', ['netns', 'exec', this.node, 'iptables', '-w', '-t', 'mangle', how, chain!, ...rule]);
    for (const rule of rules) change('-I', rule);
    return () => {
      for (const rule of rules) change('-D', rule);
    };
  }

  /** The network namespace of the node. */
  get node(): string {
    return `weft-${this.sandbox.name}.node`;
  }

  /** The processes of a pod's proxy, as this machine numbers them: it, and what it was started by. */
  async proxyPids(part: Part): Promise<readonly number[]> {
    const { netns } = await this.pod(part);
    const pids = run('ip', ['netns', 'pids', netns!]).trim().split('\n').filter(Boolean).map(Number);
    return pids.filter(pid => commandOf(pid).includes('weft-proxy'));
  }

  /** Starts a pod's proxy anew, and lets it open this many files. */
  async restartWithDescriptors(part: Part, limit: number): Promise<void> {
    const tell = (pid: number): unknown => run('prlimit', [`--pid=${pid}`, `--nofile=${limit}:${limit}`]);
    await this.#restartWith(part, tell, 'weft_descriptors_limit', limit);
  }

  /** Starts a pod's proxy anew within a control group that may have so much memory; to be taken back after the proxy. */
  async restartWithMemory(part: Part, bytes: number): Promise<Undo> {
    const group = memoryGroup(`weft-chaos-${process.pid}`, bytes);
    try {
      await this.#restartWith(part, pid => group.take(pid), 'weft_memory_limit_bytes', bytes);
      return group.remove;
    } catch (error) {
      await group.remove();
      throw error;
    }
  }

  /** What a pod's link carries of what the pod sends, in bits a second; what is too much waits, and is lost after a second. */
  async throttle(part: Part, bitsPerSecond: number): Promise<Undo> {
    const { netns } = await this.pod(part);
    const shape = (how: string, ...more: readonly string[]): void =>
      void run('tc', ['-n', netns!, 'qdisc', how, 'dev', 'eth0', 'root', ...more]);
    shape('add', 'tbf', 'rate', `${bitsPerSecond}`, 'burst', '16kb', 'latency', '1s');
    return () => shape('del');
  }

  /** Fills the disk that a proxy keeps what it was told on: a write fails, and what was there is out of reach. */
  async fillDisk(part: Part): Promise<Undo> {
    const [pid] = (await this.proxyPids(part)).toReversed();
    const inside = (...words: readonly string[]): void =>
      void run('nsenter', [`--target=${pid}`, '--mount', ...words]);
    const folder = '/var/run/weft/state';
    inside('mount', '-t', 'tmpfs', '-o', 'size=16k,mode=777', 'full', folder);
    inside('sh', '-c', `head -c 65536 /dev/zero > ${folder}/filler 2>/dev/null || true`);
    return () => inside('umount', folder);
  }

  /**
   * Starts a pod's proxy anew with what `tell` gives it, and again where it looked at its limit, which is in `metric`, before it
   * was told: it looks once.
   */
  async #restartWith(
    part: Part,
    tell: (pid: number) => unknown,
    metric: string,
    most: number,
  ): Promise<void> {
    const seen: number[] = [];
    while (seen.length < 5) {
      await this.#restartTelling(part, tell);
      seen.push(await this.metric(part, metric));
      if (seen.at(-1)! <= most) return;
    }
    throw new Error(`the proxy of ${part} is always started before it has its limit: ${metric} ${seen}`);
  }

  /** Starts a pod's proxy anew and tells whoever comes, at once and again, until it is ready. */
  async #restartTelling(part: Part, tell: (pid: number) => unknown): Promise<void> {
    const before = new Set(await this.proxyPids(part));
    const { restarts } = await this.pod(part);
    await this.kill(part);
    // A process keeps what the one that starts it was told.
    for (const end = performance.now() + 20_000; performance.now() < end; await sleep(20)) {
      const pids = (await this.proxyPids(part)).filter(pid => !before.has(pid));
      for (const pid of pids) {
        try {
          tell(pid);
        } catch {
          // It is gone already.
        }
      }
      const pod = await this.pod(part);
      if (pids.length > 0 && pod.ready && pod.restarts > restarts) return;
    }
    throw new Error(`the proxy of ${part} did not come back`);
  }

  /** Signals what copies the output of a pod's proxy to its log, as container engines do; the proxy has a pipe to it. */
  async signalLogReader(part: Part, signal: NodeJS.Signals): Promise<void> {
    const { namespace, name } = await this.pod(part);
    const log = `/${this.sandbox.name}/logs/${namespace}/${name}/weft-proxy.`;
    const readers = readdirSync('/proc').filter(
      pid => commandOf(pid).trim() === 'cat' && outputOf(pid).includes(log),
    );
    if (readers.length === 0) throw new Error(`nobody reads ${log}`);
    for (const pid of readers) process.kill(Number(pid), signal);
  }

  /**
   * Many clients outside of the mesh that connect to a pod's port, each send the beginning of a request with so many bytes of
   * headers, and then say and read nothing.
   */
  async crowd(part: Part, port: number, count: number, headerBytes = 0): Promise<Undo> {
    const { address } = await this.pod(part);
    const say =
      headerBytes === 0 ? '' : `.write('POST / HTTP/1.1\\r\\nhost: a\\r\\nx: ' + 'x'.repeat(${headerBytes}))`;
    const program = `for (let i = 0; i < ${count}; i++) require('node:net').connect(${port}, '${address}').on('error', () => {})${say}; setInterval(() => {}, 1000);`;
    const child = spawn('ip', ['netns', 'exec', this.node, process.execPath, '-e', program], {
      stdio: 'ignore',
    });
    return async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    };
  }

  /** The sum of a metric of a proxy over all its labels. */
  async metric(part: Part, name: string): Promise<number> {
    const pod = await this.pod(part);
    const answer = await this.sandbox.fetch(`pod/${pod.namespace}/${pod.name}`, '/stats/prometheus', {
      port: 15020,
    });
    const lines = answer.body
      .split('\n')
      .filter(line => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)));
    if (lines.length === 0) throw new Error(`the proxy of ${part} has no metric ${name}`);
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox.down();
  }

  async #signals(part: Part): Promise<(signal: NodeJS.Signals) => Promise<void>> {
    if (part === 'agent') return async signal => void process.kill(this.#agentPid, signal);
    const { namespace, name } = await this.pod(part);
    const container = { server: 'echo', 'server proxy': 'weft-proxy', 'client proxy': 'weft-proxy' }[
      part as 'server'
    ];
    const where = container === undefined ? {} : { container };
    return signal => this.sandbox.kill(`pod/${namespace}/${name}`, { signal, ...where });
  }

  async #state(): Promise<string> {
    const { pods } = await this.sandbox.status();
    const sinceMs = Date.now() - 2_000;
    const errors = this.outcomes().filter(({ atMs, error }) => atMs > sinceMs && error !== '');
    const unready = pods.filter(({ ready }) => !ready).map(({ name, reason }) => `${name}: ${reason}`);
    return JSON.stringify({ unready, errors: errors.slice(0, 5) });
  }
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function outputOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/1`);
  } catch {
    return '';
  }
}

function commandOf(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
