// The processes of proxies, from the driver's side.
import { join } from 'node:path';
import { Running } from '../processes.ts';
import type { Order, ProxyOrder, Report } from './messages.ts';

type Figures = Extract<Report, { type: 'figures' }>;

const program = join(import.meta.dirname, 'fleet.ts');

/** All of them together. Pods are shared out by their order. */
export class Fleets {
  readonly #running: readonly Running[];
  readonly #of = new Map<string, number>();
  #next = 0;

  private constructor(running: readonly Running[]) {
    this.#running = running;
  }

  static async start(count: number, cpus: string, begin: Extract<Order, { type: 'begin' }>): Promise<Fleets> {
    const running = Array.from(
      { length: count },
      () =>
        new Running(process.execPath, ['--max-semi-space-size=32', program], {
          ...{ cpus, ipc: true, files: 65_536 },
          onLine: line => process.stderr.write(`proxies: ${line}\n`),
        }),
    );
    const fleets = new Fleets(running);
    await Promise.all(running.map(each => fleets.#ask(each, begin)));
    return fleets;
  }

  get pids(): readonly number[] {
    return this.#running.map(({ pid }) => pid);
  }

  /** `perSecond`: of all together; 0: all at once. */
  launch(proxies: readonly ProxyOrder[], perSecond: number): void {
    const shares = this.#running.map((): ProxyOrder[] => []);
    for (const proxy of proxies) {
      const to = this.#next++ % shares.length;
      this.#of.set(proxy.pod, to);
      shares[to]!.push(proxy);
    }
    shares.forEach((share, index) => {
      if (share.length > 0)
        this.#tell(index, { type: 'start', proxies: share, perSecond: perSecond / shares.length });
    });
  }

  remove(pod: string): void {
    const at = this.#of.get(pod);
    if (at === undefined) return;
    this.#of.delete(pod);
    this.#tell(at, { type: 'stop', pods: [pod] });
  }

  /** Figures of all together; `anew`: with all that was heard, and nothing of that is kept. */
  async report(anew = false): Promise<Figures> {
    const all = await Promise.all(this.#running.map(each => this.#ask(each, { type: 'report', anew })));
    return all.map(each => each as Figures).reduce(added);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map(each => each.stop(500)));
  }

  #tell(index: number, order: Order): void {
    this.#running[index]!.child.send(order);
  }

  #ask(running: Running, order: Order): Promise<Report> {
    const { child } = running;
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error(`a process of proxies ended: ${running.errors.slice(-800)}`));
      child.once('exit', gone);
      child.once('message', report => {
        child.off('exit', gone);
        resolve(report as Report);
      });
      child.send(order);
    });
  }
}

function added(left: Figures, right: Figures): Figures {
  const heard = new Map<string, readonly number[]>(left.heard);
  for (const [what, times] of right.heard) heard.set(what, [...(heard.get(what) ?? []), ...times]);
  const lost = { ...left.lost };
  for (const [why, count] of Object.entries(right.lost)) lost[why] = (lost[why] ?? 0) + count;
  return {
    type: 'figures',
    proxies: left.proxies + right.proxies,
    synced: left.synced + right.synced,
    messages: left.messages + right.messages,
    bytes: left.bytes + right.bytes,
    heard: [...heard],
    outages: [...left.outages, ...right.outages],
    lost,
  };
}
