// Reaching the admin endpoint of a proxy: by its address, or, as it listens on loopback alone, through kubectl port-forward to
// its pod.
import { spawn } from 'node:child_process';
import { PORTS } from '../../config/index.ts';
import { errorMessage, WeftError } from '../../errors/index.ts';
import type { ClusterFlags } from '../kubernetes/connect.ts';
import type { ReadAdmin } from './from-proxy.ts';

/** A proxy's admin endpoint while it is needed. */
export interface AdminEndpoint {
  readonly read: ReadAdmin;
  close(): void;
}

/** `http://127.0.0.1:15000`, `127.0.0.1:15000`, `:15000`, or a pod: `productpage-abc.shop`, `shop/productpage-abc`. */
export async function openAdmin(
  proxy: string,
  namespace: string,
  flags: ClusterFlags,
): Promise<AdminEndpoint> {
  const address = /^(?:http:\/\/)?([^/\s]*:\d{1,5})\/?$/.exec(proxy)?.[1];
  if (address !== undefined)
    return { read: readerOf(address.startsWith(':') ? `127.0.0.1${address}` : address), close: () => {} };
  const [pod, where] = proxy.includes('/') ? proxy.split('/').reverse() : [proxy, namespace];
  const { port, close } = await forward(pod!, where!, flags);
  return { read: readerOf(`127.0.0.1:${port}`), close };
}

function readerOf(address: string): ReadAdmin {
  return async path => {
    try {
      const answer = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(10_000) });
      if (answer.ok) return (await answer.json()) as unknown;
      // A proxy says why it refuses: it is asked by address, not by name.
      const words = answer.status === 403 ? `: ${(await answer.text()).trim()}` : '';
      throw new Error(`status ${answer.status}${words}`);
    } catch (error) {
      const cause = error instanceof Error && error.cause ? error.cause : error;
      throw new WeftError(
        'admin-unreachable',
        `http://${address}${path} does not answer as a proxy does (${errorMessage(cause)}); name the admin address of a proxy, port ${PORTS.admin} of its pod`,
        { source: 'config', cause: error },
      );
    }
  };
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
