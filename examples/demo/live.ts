// The demo to watch: the shop under steady load as a table, until it is interrupted. On a terminal a few keys make trouble.
import type { DemoContext } from './claim.ts';
import { STEADY } from './claims/losses.ts';
import { shopAddress } from './gateway/gateway.ts';
import type { DemoPod } from './mesh.interface.ts';
import { Growth, type Scrape } from './metrics/growth.ts';
import { rowsOf } from './metrics/rows.ts';
import type { Screen } from './screen/screen.ts';
import { renderTable } from './screen/table.ts';
import { podsOf, SHOP, setFault, steadyLoad, WORKLOADS } from './shop.ts';

const everyMs = 1_000;
/** The figures are over this many seconds. */
const windowSeconds = 5;
const ratePerSecond = 60;

/** Draws once a second until the signal; never rejects because of a pod that does not answer. `prometheus`: where one answers. */
export async function live(
  context: DemoContext,
  screen: Screen,
  signal: AbortSignal,
  prometheus?: string,
): Promise<void> {
  await context.load.start(STEADY, steadyLoad(ratePerSecond));
  const page = await shopAddress(context.mesh);
  const dashboard = await context.mesh.dashboard();
  const scrapes: Scrape[] = [];
  const trouble = new Trouble(context);
  const stopKeys = listenToKeys(key => trouble.press(key));
  try {
    while (!signal.aborted) {
      const pods = await context.mesh.pods();
      scrapes.push(await context.scraper.scrape());
      if (scrapes.length > windowSeconds + 1) scrapes.shift();
      const latest = scrapes.at(-1)!;
      const growth = new Growth(scrapes.length > 1 ? scrapes[0] : latest, latest);
      const head = await headOf(context, { page, dashboard, prometheus });
      const foot = ['', ...trouble.lines()];
      const room = screen.room();
      const table = renderTable(rowsOf(pods, growth, latest), {
        ...room,
        lines: room.lines - head.length - foot.length,
      });
      screen.draw(
        [...head, ...table, ...foot].map(line => clip(line, room.columns)),
        performance.now(),
      );
      await pause(everyMs, signal);
    }
  } finally {
    stopKeys();
  }
}

/** Where things are, as far as they are there. */
interface Addresses {
  readonly page: string | undefined;
  readonly dashboard: string | undefined;
  readonly prometheus: string | undefined;
}

async function headOf(
  { load, mesh }: DemoContext,
  { page, dashboard, prometheus }: Addresses,
): Promise<string[]> {
  const report = await load.report(STEADY).catch(() => undefined);
  const sums = report
    ? `${report.sent} requests sent, ${report.lostIdempotent + report.lostOther} lost, ` +
      `p50 ${report.latencyMs.p50.toFixed(1)} ms, p99 ${report.latencyMs.p99.toFixed(1)} ms at the client`
    : 'the load generator does not answer';
  return [
    `Weft demo: the shop in a sandbox, ${ratePerSecond} requests/s · figures of the last ${windowSeconds} s, ms`,
    sums,
    page
      ? `open the shop: ${page}/products/p1${mesh.transparent ? ', through its gateway' : ''}`
      : 'the shop has no address on this machine',
    ...(dashboard ? [`mesh: ${dashboard}`] : []),
    ...(prometheus ? [`Prometheus: ${prometheus} (docs/grafana.md)`] : []),
    '',
  ];
}

/** What the keys do. Each says in a line what it did. */
class Trouble {
  readonly #context: DemoContext;
  #failing: DemoPod | undefined;
  #said = '';

  constructor(context: DemoContext) {
    this.#context = context;
  }

  lines(): string[] {
    const keys = `k kill a catalog pod · f ${this.#failing ? 'mend' : 'break'} a ratings pod · r restart all · Ctrl-C end`;
    return process.stdin.isTTY ? [keys, this.#said] : ['Ctrl-C ends the demo'];
  }

  press(key: string): void {
    const action = { k: this.#kill, f: this.#fail, r: this.#restart }[key];
    action?.call(this).catch((thrown: unknown) => {
      this.#said = thrown instanceof Error ? thrown.message : String(thrown);
    });
  }

  async #kill(): Promise<void> {
    const victim = (await podsOf(this.#context.mesh, 'catalog')).find(pod => pod.ready);
    if (!victim) return;
    this.#said = `killed ${victim.name}`;
    await this.#context.mesh.kill(victim);
  }

  async #fail(): Promise<void> {
    const failing = this.#failing;
    this.#failing = undefined;
    if (failing) {
      await setFault(this.#context.mesh, failing, undefined);
      this.#said = `${failing.name} is mended`;
      return;
    }
    const victim = (await podsOf(this.#context.mesh, 'ratings')).find(pod => pod.ready);
    if (!victim) return;
    await setFault(this.#context.mesh, victim, { status: 503 });
    this.#failing = victim;
    this.#said = `${victim.name} answers 503 to everything`;
  }

  async #restart(): Promise<void> {
    for (const workload of WORKLOADS) {
      this.#said = `restarting ${workload}`;
      await this.#context.mesh.restart(SHOP, workload);
    }
    this.#said = 'every workload was restarted';
  }
}

/** Single keys from the terminal; Ctrl-C stays an interrupt. The returned function gives the terminal back. */
function listenToKeys(press: (key: string) => void): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  const onKey = (data: Buffer) => {
    const key = data.toString();
    if (key === '\x03' || key === 'q') process.kill(process.pid, 'SIGINT');
    else press(key);
  };
  stdin.setRawMode(true);
  stdin.on('data', onKey);
  return () => {
    stdin.off('data', onKey);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

function clip(line: string, columns: number): string {
  return line.includes('\x1b') ? line : line.slice(0, columns);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(timer);
      resolve();
    },
    { once: true },
  );
  return promise;
}
