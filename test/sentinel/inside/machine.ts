// A machine for one test: a network of its own, where the ports, names and files that the seed writes down are free to be what it
// says. Run by seed.test.ts under unshare; nothing of it is left behind.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { createServer as createTlsServer, request as requestTls } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { TYPES } from '../../../src/kubernetes/index.ts';
import { FakeApi } from '../../../src/kubernetes/testing/fake-api.ts';

const proxy = join(import.meta.dirname, '../../../src/main/weft-proxy.ts');

/** What a backend says of a request. */
export interface Echo {
  readonly who: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly client?: string;
  readonly serverName?: string;
}

/** An answer as a client sees it. */
export interface Seen {
  readonly status: number;
  readonly body: string;
  readonly who: string;
  readonly headers: IncomingHttpHeaders;
  /** The common name of the server's certificate; '' without TLS. */
  readonly certificate: string;
}

/** Servers that say who they are; `unwell` are those whose /health fails, `slow` those whose answers wait for `release`. */
export class Backends {
  readonly unwell = new Set<string>();
  readonly slow = new Set<string>();
  readonly #held: (() => void)[] = [];
  readonly #servers = new Map<string, Server>();

  async add(...addresses: readonly string[]): Promise<void> {
    for (const address of addresses) {
      const [host, port] = address.split(':');
      const server = createServer((asked, response) => {
        if (asked.url === '/health' && this.unwell.has(address)) return void response.writeHead(500).end();
        const body = JSON.stringify({ who: address, path: asked.url, headers: asked.headers });
        const end = (): void => void response.end(body);
        if (this.slow.has(address) && asked.url !== '/health') this.#held.push(end);
        else end();
      });
      await new Promise<void>(resolve => void server.listen(Number(port), host, resolve));
      this.#servers.set(address, server);
    }
  }

  remove(...addresses: readonly string[]): void {
    for (const each of addresses) {
      this.#servers.get(each)?.closeAllConnections();
      this.#servers.get(each)?.close();
    }
  }

  get held(): number {
    return this.#held.length;
  }

  release(): void {
    for (const end of this.#held.splice(0)) end();
  }

  /** A TLS server that wants a certificate of its clients. */
  async addTls(
    address: string,
    files: { readonly key: string; readonly cert: string; readonly ca: string },
  ): Promise<void> {
    const [host, port] = address.split(':');
    const server = createTlsServer({ ...files, requestCert: true }, (asked, response) => {
      const socket = asked.socket as TLSSocket & { servername?: string };
      const client = String(socket.getPeerCertificate().subject?.CN);
      response.end(JSON.stringify({ who: address, path: asked.url, client, serverName: socket.servername }));
    });
    await new Promise<void>(resolve => void server.listen(Number(port), host, resolve));
  }
}

/** What is asked of a gateway on this machine; GET of port 8080 unless told. */
export interface Asked {
  readonly path: string;
  readonly port?: number;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** TLS, with this server name. */
  readonly serverName?: string;
}

/** GET of a gateway on this machine. */
export function get(path: string, port = 8080): Promise<Seen> {
  return ask({ path, port });
}

/** The answer; rejects where there is none. */
export function ask({
  path,
  port = 8080,
  method = 'GET',
  headers = {},
  body,
  serverName,
}: Asked): Promise<Seen> {
  const options = { host: '127.0.0.1', port, path, method, headers, agent: false, timeout: 60_000 } as const;
  return new Promise((resolve, reject) => {
    const asked =
      serverName === undefined
        ? request(options)
        : requestTls({ ...options, servername: serverName, rejectUnauthorized: false });
    asked.on('response', answer => {
      const certificate = (answer.socket as Partial<TLSSocket>).getPeerCertificate?.().subject?.CN;
      let text = '';
      answer.on('data', chunk => {
        text += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          body: text,
          who: whoOf(text),
          headers: answer.headers,
          certificate: String(certificate ?? ''),
        }),
      );
    });
    asked.on('error', reject);
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.end(body);
  });
}

function whoOf(body: string): string {
  try {
    return String((JSON.parse(body) as Partial<Echo>).who ?? '');
  } catch {
    return '';
  }
}

/** Looks at least so often before it gives up: on a starved machine each look takes its time, as everything else does. */
const MOST_LOOKS = 800;

/**
 * Resolves when `holds` does; rejects with what it last came to after half a minute, which is many times what it takes, and many
 * looks.
 */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 30_000;
  let last = '';
  for (let looks = 0; ; looks++) {
    try {
      if (await holds()) return;
    } catch (error) {
      last = String(error);
    }
    if (Date.now() > end && looks > MOST_LOOKS) throw new Error(`${what} does not come to hold ${last}`);
    await new Promise(resolve => setTimeout(resolve, 25));
  }
}

/** `weft-proxy gateway --config FILE`, whose file is changed under it. */
export class Gateway {
  readonly file: string;
  readonly #process: ChildProcess;
  #log = '';
  #exit: Promise<number | null>;

  /** One that carries traffic: before, a SIGHUP would end it. */
  static async start(folder: string, text: string, flags: readonly string[] = []): Promise<Gateway> {
    const gateway = new Gateway(folder, text, flags);
    await gateway.#until('a start', () => gateway.#log.includes('weft-proxy carries traffic'));
    return gateway;
  }

  private constructor(folder: string, text: string, flags: readonly string[]) {
    this.file = join(folder, 'sentinel.kdl');
    writeFileSync(this.file, text);
    const args = [proxy, 'gateway', '--config', this.file, ...flags];
    this.#process = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const each of [this.#process.stdout, this.#process.stderr])
      each?.on('data', chunk => {
        this.#log += chunk;
      });
    this.#exit = new Promise(resolve => this.#process.once('exit', resolve));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get log(): string {
    return this.#log;
  }

  /** Another file, as an operator gives it: written, then SIGHUP. Resolves when it was read. */
  async reload(text: string): Promise<void> {
    const marks = (): number => this.#log.split('"why":"SIGHUP"').length;
    const before = marks();
    writeFileSync(this.file, text);
    this.#process.kill('SIGHUP');
    await this.#until('a reload', () => marks() > before);
  }

  /** As `until`, and at once when the process has ended. */
  async #until(what: string, holds: () => boolean): Promise<void> {
    await until(what, () => holds() || this.#process.exitCode !== null || this.#process.signalCode !== null);
    if (!holds())
      throw new Error(
        `${what}: the gateway has ended (${this.#process.exitCode ?? this.#process.signalCode}): ${this.#log}`,
      );
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  get ended(): Promise<number | null> {
    return this.#exit;
  }
}

/** An API server in memory, and the kubeconfig that leads to it. */
export async function apiServer(home: string): Promise<FakeApi> {
  const api = new FakeApi();
  await api.start();
  mkdirSync(join(home, '.kube'), { recursive: true });
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: api.url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token: 'test' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  };
  writeFileSync(join(home, '.kube/config'), JSON.stringify(config));
  return api;
}

/** An EndpointSlice of a Service. */
export function putSlice(
  api: FakeApi,
  namespace: string,
  service: string,
  port: { readonly name?: string; readonly number: number },
  ...addresses: readonly string[]
): void {
  api.put(TYPES.endpointSlice, {
    metadata: { namespace, name: `${service}-1`, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: port.name ?? '', port: port.number, protocol: 'TCP' }],
    endpoints: addresses.map(address => ({ addresses: [address], conditions: { ready: true } })),
  });
}

/** Certificates of one authority, by openssl: PEM texts by name. */
export function certificates(
  folder: string,
  names: Readonly<Record<string, string>>,
): { readonly ca: string } & Record<string, string> {
  const run = (...args: readonly string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  run('req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test authority');
  for (const [name, host] of Object.entries(names)) {
    run('req', ...ec.slice(0, 5), '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=DNS:${host}\n`);
    run(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.crt`,
    );
  }
  return { ca: join(folder, 'ca.crt') };
}
