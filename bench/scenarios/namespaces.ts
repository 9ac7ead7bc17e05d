// Two network namespaces with a wire between them: a pod with packet rules, and a server. Needs root.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { which } from '../peers/index.ts';

/** What the packet rules of a pod let through: the user of the proxy. */
const proxyUser = ['setpriv', '--reuid', '1337', '--regid', '1337', '--clear-groups', '--'];

/** Why there can be none here; undefined when there can. */
export function cannotMakeNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'left out: network namespaces and packet rules need root';
  const missing = ['ip', 'iptables-restore', 'setpriv'].filter(command => which(command) === undefined);
  return missing.length === 0 ? undefined : `left out: ${missing.join(' and ')} not installed`;
}

/** A pod and a server; both are gone with `remove`, and with the bench. */
export class Namespaces {
  readonly pod: string;
  readonly server: string;
  readonly podAddress = '10.77.0.1';
  readonly serverAddress = '10.77.0.2';

  constructor() {
    const id = randomBytes(3).toString('hex');
    this.pod = `weft-bench-${id}-pod`;
    this.server = `weft-bench-${id}-server`;
    process.on('exit', this.remove);
    const ip = (...args: string[]): void =>
      void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    for (const name of [this.pod, this.server]) ip('netns', 'add', name);
    ip('-n', this.pod, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.server);
    for (const [name, address] of [
      [this.pod, this.podAddress],
      [this.server, this.serverAddress],
    ] as const) {
      ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      for (const device of ['lo', 'eth0']) ip('-n', name, 'link', 'set', device, 'up');
    }
    // Virtual addresses of Services must have a way before they are redirected.
    ip('-n', this.pod, 'route', 'add', 'default', 'via', this.serverAddress);
  }

  /** Words in front of a command that runs in the pod, as root or as the user of the proxy. */
  inPod(user: 'app' | 'proxy'): readonly string[] {
    return ['ip', 'netns', 'exec', this.pod, ...(user === 'proxy' ? proxyUser : [])];
  }

  /** The same for the server. */
  get inServer(): readonly string[] {
    return ['ip', 'netns', 'exec', this.server];
  }

  readonly remove = (): void => {
    process.off('exit', this.remove);
    for (const name of [this.pod, this.server]) {
      try {
        execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
      } catch {
        // Never made, or gone already.
      }
    }
  };
}
