// A real ACME server for tests: Pebble, named by WEFT_PEBBLE or on PATH, with pebble-challtestsrv as the DNS that it asks.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { authority, certificateFor } from '../../src/proxy/gateway/testing/gateway-rig.ts';

/** The two programs. */
export interface Pebbles {
  readonly pebble: string;
  readonly dns: string;
}

/** Undefined where there are none. */
export function findPebble(): Pebbles | undefined {
  const named = process.env.WEFT_PEBBLE;
  const onPath = spawnSync('sh', ['-c', 'command -v pebble'], { encoding: 'utf8' }).stdout.trim();
  const pebble = named !== undefined && named !== '' ? named : onPath;
  const dns = join(dirname(pebble), 'pebble-challtestsrv');
  return pebble !== '' && existsSync(dns) ? { pebble, dns } : undefined;
}

export interface PebbleOptions {
  /** Where it looks for names: the ports of the gateway. */
  readonly httpPort: number;
  readonly tlsPort: number;
  readonly external?: Readonly<Record<string, string>>;
  /** Seconds that its certificates live. */
  readonly lifeSeconds?: number;
  /** The port of one that was stopped, to come back there. */
  readonly port?: number;
}

/** Strict servers want to know who asks (RFC 8555 section 6.1). */
const agent = { 'user-agent': 'weft-tests' };
const chain = authority();
const own = certificateFor(['localhost'], chain);

/** One Pebble on a free port of loopback; every name leads to loopback. */
export class PebbleServer {
  /** PEM of who vouches for it. */
  readonly ca = chain.pem;
  readonly port: number;
  /** Of the DNS' own API. */
  readonly dnsPort: number;
  /** Of its own management. */
  readonly managementPort: number;
  readonly #children: readonly ChildProcess[];
  readonly #folder: string;
  #words = '';

  private constructor(
    ports: { readonly port: number; readonly dnsPort: number; readonly managementPort: number },
    children: readonly ChildProcess[],
    folder: string,
  ) {
    this.port = ports.port;
    this.dnsPort = ports.dnsPort;
    this.managementPort = ports.managementPort;
    this.#children = children;
    this.#folder = folder;
    for (const child of children)
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (text: Buffer) => {
          this.#words += text.toString();
        });
  }

  get directory(): string {
    return `https://localhost:${this.port}/dir`;
  }

  /** What the programs have said. */
  get words(): string {
    return this.#words;
  }

  static async start({ pebble, dns }: Pebbles, options: PebbleOptions): Promise<PebbleServer> {
    const folder = mkdtempSync(join(tmpdir(), 'weft-pebble-'));
    const [free, management, dnsUdp, dnsPort] = await freePorts(4);
    const port = options.port ?? free!;
    const files = { 'cert.pem': own.pem, 'key.pem': own.keyPem };
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(folder, name), text, { mode: 0o600 });
    const { httpPort, tlsPort, external, lifeSeconds } = options;
    const configuration = {
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate: join(folder, 'cert.pem'),
        privateKey: join(folder, 'key.pem'),
        ...{ httpPort, tlsPort, ocspResponderURL: '' },
        externalAccountBindingRequired: external !== undefined,
        ...(external !== undefined && { externalAccountMACKeys: external }),
        ...(lifeSeconds !== undefined && {
          certificateValidityPeriod: lifeSeconds,
          profiles: { default: { description: 'short', validityPeriod: lifeSeconds } },
        }),
      },
    };
    writeFileSync(join(folder, 'pebble.json'), JSON.stringify(configuration));
    // Flags of old ones and new ones.
    const flags = spawnSync(dns, ['-h'], { encoding: 'utf8' }).stderr;
    const off = ['http01', 'https01', 'tlsalpn01', 'doh'].filter(each => flags.includes(`-${each} `));
    const names = spawn(
      dns,
      [
        ...[flags.includes('-dnsserver ') ? '-dnsserver' : '-dns01', `127.0.0.1:${dnsUdp}`],
        ...['-management', `127.0.0.1:${dnsPort}`, '-defaultIPv6', ''],
        ...off.flatMap(each => [`-${each}`, '']),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const server = spawn(
      pebble,
      ['-config', join(folder, 'pebble.json'), '-dnsserver', `127.0.0.1:${dnsUdp}`, '-strict'],
      // It validates at once, as real servers do when they are idle. Nonces are refused as often as it likes.
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' },
      },
    );
    const started = new PebbleServer(
      { port, dnsPort: dnsPort!, managementPort: management! },
      [names, server],
      folder,
    );
    for (const child of [names, server]) child.on('error', () => {});
    await started.#isUp(server);
    return started;
  }

  /** Ends it and waits for that. */
  async stop(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Tells the DNS about a TXT record, or to forget it. */
  async record(action: 'set-txt' | 'clear-txt', host: string, value: string): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.dnsPort}/${action}`, {
      method: 'POST',
      body: JSON.stringify({ host: `${host}.`, value }),
    });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`the DNS of tests answers ${answer.status}`);
  }

  /** Whether its directory has this. */
  async tells(name: string): Promise<boolean> {
    const directory = await this.#call('GET', this.directory);
    return (JSON.parse(directory) as Record<string, unknown>)[name] !== undefined;
  }

  /** From now on it would have this certificate (PEM) renewed in this window. */
  async suggestRenewal(
    certificate: string,
    suggestedWindow: { readonly start: string; readonly end: string },
  ): Promise<void> {
    const url = `https://localhost:${this.managementPort}/set-renewal-info/`;
    await this.#call(
      'POST',
      url,
      JSON.stringify({ certificate, ariResponse: JSON.stringify({ suggestedWindow }) }),
    );
  }

  #call(method: string, url: string, body?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked = request(url, { method, ca: this.ca, headers: agent }, response => {
        void response.toArray().then(chunks => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${url} answers ${response.statusCode} ${text}`));
        }, reject);
      });
      asked.on('error', reject);
      asked.end(body);
    });
  }

  async #isUp(server: ChildProcess): Promise<void> {
    const endMs = Date.now() + 60_000;
    for (;;) {
      if (server.exitCode !== null) throw new Error(`pebble has ended: ${this.#words}`);
      if (Date.now() > endMs) throw new Error(`pebble does not answer: ${this.#words}`);
      const status = await new Promise<number>(resolve => {
        const asked = request(this.directory, { ca: this.ca, headers: agent }, response => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        asked.on('error', () => resolve(0));
        asked.end();
      });
      if (status === 200) return;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(each => once(each, 'listening')));
  const ports = servers.map(each => (each.address() as AddressInfo).port);
  await Promise.all(servers.map(each => new Promise(resolve => each.close(resolve))));
  return ports;
}
