// A process of lean proxies; bench/scale/main.ts starts it and tells it what to do.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { loadAuthority } from '../../src/ca/index.ts';
import { WeftError } from '../../src/errors/index.ts';
import { createKeyAndCsr } from '../../src/identity/index.ts';
import { parseSpiffe } from '../../src/model/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { type LeanListener, LeanProxy, nowMs } from './lean-proxy.ts';
import type { Order, ProxyOrder, Report } from './messages.ts';
import { SimulatedMesh } from './simulated-mesh.ts';

type Begin = Extract<Order, { type: 'begin' }>;

/** What proxies hear of that somebody else did: its mark, and addresses that came and went. */
const mark = /scale-change-\d+/;
const put = /"address":"([\d.]+)"/g;

class Fleet implements LeanListener {
  readonly #begin: Begin;
  readonly #mesh: SimulatedMesh;
  readonly #sign: (service: number) => SecureContext;
  readonly #contexts = new Map<number, SecureContext>();
  readonly #proxies = new Map<string, LeanProxy>();
  #heard = new Map<string, number[]>();
  #outages: number[] = [];
  #lost: Record<string, number> = {};
  #messages = 0;
  #bytes = 0;
  #addresses = 0;

  constructor(begin: Begin, sign: (principal: string) => SecureContext) {
    this.#begin = begin;
    this.#mesh = new SimulatedMesh(begin.size);
    this.#sign = service => sign(this.#mesh.principalOf(service));
  }

  /** Certificates are made before the first connection, so that they are in nobody's figures. */
  async start(proxies: readonly ProxyOrder[], perSecond: number): Promise<void> {
    const made = proxies.map(each => this.#make(each));
    for (let index = 0; index < made.length; index++) {
      made[index]!.start();
      if (perSecond > 0 && index % 10 === 9)
        await new Promise(resolve => setTimeout(resolve, 10_000 / perSecond));
    }
  }

  stop(pods: readonly string[]): void {
    for (const pod of pods) {
      this.#proxies.get(pod)?.close();
      this.#proxies.delete(pod);
    }
  }

  changed(line: string): void {
    const atMs = nowMs();
    const marked = mark.exec(line)?.[0];
    if (marked !== undefined) this.#note(marked, atMs);
    if (!line.includes('"type":"endpoints-change"')) return;
    const [, gone = ''] = /"remove":\[([^\]]*)\]/.exec(line) ?? [];
    for (const [, address] of line.matchAll(put)) this.#note(`+${address}`, atMs);
    for (const [, address] of gone.matchAll(/"([\d.]+):\d+"/g)) this.#note(`-${address}`, atMs);
  }

  synced({ outSinceMs }: LeanProxy): void {
    if (outSinceMs !== undefined) this.#outages.push(nowMs() - outSinceMs);
  }

  lost(why: string): void {
    this.#lost[why] = (this.#lost[why] ?? 0) + 1;
  }

  received(bytes: number, messages: number): void {
    this.#bytes += bytes;
    this.#messages += messages;
  }

  report(anew: boolean): Report {
    const proxies = [...this.#proxies.values()];
    const report: Report = {
      type: 'figures',
      proxies: proxies.length,
      synced: proxies.filter(each => each.outSinceMs === undefined).length,
      messages: this.#messages,
      bytes: this.#bytes,
      heard: anew ? [...this.#heard] : [],
      outages: anew ? this.#outages : [],
      lost: this.#lost,
    };
    if (!anew) return report;
    this.#heard = new Map();
    this.#outages = [];
    this.#lost = {};
    this.#messages = 0;
    this.#bytes = 0;
    return report;
  }

  #make({ service, pod }: ProxyOrder): LeanProxy {
    const { ports, identity } = this.#begin;
    let secureContext = this.#contexts.get(service);
    if (!secureContext) {
      secureContext = this.#sign(service);
      this.#contexts.set(service, secureContext);
    }
    const number = this.#addresses++;
    const proxy = new LeanProxy({
      controlPlane: () => {
        const port = ports[Math.floor(Math.random() * ports.length)]!;
        return { address: { host: '127.0.0.1', port }, identity };
      },
      secureContext,
      namespace: this.#mesh.namespaceOf(service),
      pod,
      proxyVersion: 'scale',
      keys: this.#mesh.calledBy(service).map(each => this.#mesh.keyOf(each)),
      localAddress: `127.${1 + (process.pid % 100)}.${(number >> 8) & 255}.${number & 255}`,
      hears: this,
    });
    this.#proxies.set(pod, proxy);
    return proxy;
  }

  #note(what: string, atMs: number): void {
    const times = this.#heard.get(what);
    if (times) times.push(Math.round(atMs * 10) / 10);
    else this.#heard.set(what, [Math.round(atMs * 10) / 10]);
  }
}

/** Signs with the key of the authority itself, as the control plane would. */
async function signWith(folder: string): Promise<(principal: string) => SecureContext> {
  const authority = await loadAuthority(folder, systemClock);
  if (authority instanceof WeftError) throw authority;
  const roots = await readFile(join(folder, 'root-cert.pem'), 'utf8');
  return principal => {
    const { keyPem, csrPem } = createKeyAndCsr();
    const signed = authority.sign(csrPem, parseSpiffe(principal)!);
    if (signed instanceof WeftError) throw signed;
    return createSecureContext({ key: keyPem, cert: signed.chainPem, ca: roots, minVersion: 'TLSv1.3' });
  };
}

let fleet: Fleet | undefined;
const tell = (report: Report): void => void process.send!(report);

async function obey(order: Order): Promise<void> {
  if (order.type === 'begin') {
    fleet = new Fleet(order, await signWith(order.authority));
    tell({ type: 'ready' });
  } else if (order.type === 'start') await fleet!.start(order.proxies, order.perSecond);
  else if (order.type === 'stop') fleet!.stop(order.pods);
  else tell(fleet!.report(order.anew));
}

process.on('message', (order: Order) => {
  obey(order).catch((thrown: unknown) => {
    console.error(thrown);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));
