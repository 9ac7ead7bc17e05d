// The admin endpoint of a proxy, which answers on loopback alone: by its address, or, for a pod of a cluster, through kubectl
// port-forward. A sandbox's is in from-sandbox.ts.
import { spawn } from 'node:child_process';
import { PORTS } from '../../config/index.ts';
import { errorMessage, WeftError } from '../../errors/index.ts';
import type { ClusterFlags } from '../kubernetes/connect.ts';

/** A proxy's admin endpoint while it is needed. Calls reject with a WeftError `admin-unreachable`. */
export interface AdminEndpoint {
  /** GET of a path: JSON. */
  read(path: string): Promise<unknown>;
  /** POST of a path, which changes something: JSON. */
  send(path: string): Promise<unknown>;
  close(): void;
}

/** The only way that calls come to the endpoint differs: what it answered. Rejects when nobody did. */
export type AskAdmin = (method: 'GET' | 'POST', path: string) => Promise<AdminAnswer>;

/** An answer, whatever it says. */
export interface AdminAnswer {
  readonly status: number;
  readonly text: string;
}

/** So long an answer may take, ms. */
export const ADMIN_LIMIT_MS = 10_000;

/** What calls that change something carry; see the proxy's browser guard. */
export const ADMIN_HEADERS = { 'x-weft-admin': 'yes' } as const;

/** `http://127.0.0.1:15000`, `127.0.0.1:15000` or `:15000`; undefined for anything else: a pod. */
export function adminAddress(text: string): string | undefined {
  const address = /^(?:http:\/\/)?([^/\s]*:\d{1,5})\/?$/.exec(text)?.[1];
  return address?.startsWith(':') ? `127.0.0.1${address}` : address;
}

/** The endpoint at an address of this machine. */
export function adminAt(address: string, close: () => void = () => {}): AdminEndpoint {
  const ask: AskAdmin = async (method, path) => {
    const headers = method === 'POST' ? ADMIN_HEADERS : {};
    const signal = AbortSignal.timeout(ADMIN_LIMIT_MS);
    const answer = await fetch(`http://${address}${path}`, { method, headers, signal });
    return { status: answer.status, text: await answer.text() };
  };
  return adminBy(ask, `http://${address}`, close);
}

/** The endpoint that `ask` reaches; `name` in messages. */
export function adminBy(ask: AskAdmin, name: string, close: () => void): AdminEndpoint {
  const json = async (method: 'GET' | 'POST', path: string): Promise<unknown> => {
    try {
      const { status, text } = await ask(method, path);
      if (status === 200) return JSON.parse(text) as unknown;
      // A proxy says why it refuses: it is asked by address, not by name; or it is of another version and has no such page.
      const words = [400, 403, 404].includes(status) ? `: ${text.trim().split('\n')[0]}` : '';
      throw new Error(`status ${status}${words}`);
    } catch (error) {
      const cause = error instanceof Error && error.cause ? error.cause : error;
      throw new WeftError(
        'admin-unreachable',
        `${name}${path} does not answer as a proxy does (${errorMessage(cause)}); name a pod with a proxy of this version, or the admin address of a proxy, port ${PORTS.admin} of its pod`,
        { source: 'config', cause: error },
      );
    }
  };
  return { read: path => json('GET', path), send: path => json('POST', path), close };
}

/** Through kubectl port-forward, which ends with `close`. Rejects with a WeftError `pod-unreachable`. */
export async function forwardedAdmin(
  pod: { readonly namespace: string; readonly name: string },
  flags: ClusterFlags,
): Promise<AdminEndpoint> {
  const { port, close } = await forward(pod.name, pod.namespace, flags);
  return adminAt(`127.0.0.1:${port}`, close);
}

function forward(
  pod: string,
  namespace: string,
  { kubeconfig, context }: ClusterFlags,
): Promise<{ port: string; close(): void }> {
  const args = [
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ...(context === undefined ? [] : ['--context', context]),
    ...['port-forward', '-n', namespace, `pod/${pod}`, `:${PORTS.admin}`],
  ];
  const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (why: string): void =>
      reject(
        new WeftError(
          'pod-unreachable',
          `kubectl port-forward to pod ${pod} in ${namespace} failed: ${why}`,
          {
            source: 'config',
          },
        ),
      );
    child.on('error', error =>
      fail(`${error.message}; install kubectl, or forward port ${PORTS.admin} yourself and name the address`),
    );
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
    child.on('exit', () => fail(said.trim() || 'it ended'));
    child.stdout.on('data', (bytes: Buffer) => {
      const port = /127\.0\.0\.1:(\d+)/.exec(bytes.toString())?.[1];
      if (port !== undefined) resolve({ port, close: () => void child.kill() });
    });
  });
}
